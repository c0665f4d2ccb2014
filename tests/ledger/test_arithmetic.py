"""Expressions and sentences of a ledger: their values, and what is refused."""

import pytest

from gaincell.ledger.arithmetic import evaluate, fill, shown


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2 * (a + 1) ** 2 / 4", 8.0),
        ("-a", -3.0),
        ("floor(log10(2000)) + ln(exp(1)) + abs(-1)", 5.0),
        ("max(a, 5) - min(a, 5)", 2),
        ("a >= 3", True),
    ],
)
def test_expressions_have_values(expression, value):
    assert evaluate(expression, {"a": 3}) == pytest.approx(value)


@pytest.mark.parametrize(
    "expression",
    ["", "a +", "b", "a.b", "open('x')", "'a'", "[a]", "a if a else a", "True", "1 / 0"],
)
def test_other_expressions_are_refused(expression):
    with pytest.raises(ValueError, match=r"^\""):
        evaluate(expression, {"a": 3})


@pytest.mark.parametrize("sentence", ["{a", "a}", "{a:q}", "{}", "{{a}}"])
def test_sentences_with_loose_braces_or_formats_are_refused(sentence):
    with pytest.raises(ValueError, match=r"^\""):
        fill(sentence, {"a": 3})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (65, "65"),
        (-0.092307, "-0.09231"),
        (1024, "1024"),
        (1129.56, "1130"),
        (246_163.9, "246 200"),
        (1.6e-4, "1.6e-4"),
        (2.5e10, "2.5e10"),
    ],
)
def test_numbers_are_shown_with_four_digits(value, text):
    assert shown(value) == text
