from itertools import product

import pytest

from gaincell.synth.library.boolean import Expression

FUNCTIONS = {
    "!A": lambda a, b, c: not a,
    "A'": lambda a, b, c: not a,
    "(A & B)": lambda a, b, c: a and b,
    "A * B + C": lambda a, b, c: (a and b) or c,
    "A B + !C": lambda a, b, c: (a and b) or not c,
    "!(A | B)'": lambda a, b, c: a or b,
    "A ^ B ^ C": lambda a, b, c: a ^ b ^ c,
    "A & B ^ C": lambda a, b, c: a & (b ^ c),  # XOR before AND: Liberty Reference Manual
    "A B ^ C": lambda a, b, c: a & (b ^ c),
    "A | B ^ C": lambda a, b, c: a | (b ^ c),
    "(A&B)|(C&(A|B))": lambda a, b, c: a + b + c > 1,
    "1 ^ A": lambda a, b, c: not a,
    "0": lambda a, b, c: False,
}


@pytest.mark.parametrize("text", FUNCTIONS)
def test_computes_what_is_written(text):
    function = Expression(text)
    for a, b, c in product((0, 1), repeat=3):
        pins = {"A": a, "B": b, "C": c}
        assert function.value(pins) == bool(FUNCTIONS[text](a, b, c))
        verilog = function.verilog().replace("~", " not ").replace("&", "and").replace("|", "or")
        verilog = verilog.replace("1'b", "").replace("^", "!=")
        assert bool(eval(verilog, {}, {k: bool(v) for k, v in pins.items()})) == function.value(
            pins
        )


def test_brackets_say_what_other_tools_would_read_in_another_order():
    assert Expression("A & B ^ C + !0").explicit() == "((A & (B ^ C)) | !0)"


def test_names_its_pins():
    assert Expression("(A1 & !B2) | A1 ^ 1").pins == ("A1", "B2")


def test_truth_counts_the_first_pin_lowest():
    assert Expression("A & !B").truth(("A", "B")) == (0, 1, 0, 0)


def test_probability_of_independent_pins():
    pins = {"A": 0.5, "B": 0.25}
    assert Expression("A & B").probability(pins) == 0.125
    assert Expression("A | B").probability(pins) == 0.625
    assert Expression("A ^ B").probability(pins) == 0.5
    assert Expression("!B").probability(pins) == 0.75


@pytest.mark.parametrize("text", ["", "A &", "(A", "A)", "& A", "A $ B", "'A", "A ! "])
def test_refuses_what_is_no_function(text):
    with pytest.raises(ValueError, match="function"):
        Expression(text)
