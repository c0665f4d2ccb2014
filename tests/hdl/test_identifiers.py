"""Names that every language of a flow takes: those a user gives, and those of the ports."""

from dataclasses import replace

import pytest

from gaincell.config import READOUT_NAMES, HeadConfig
from gaincell.hdl.identifiers import KEYWORD_OF, LONGEST, check_identifier
from gaincell.hdl.verilog import head_verilog
from gaincell.schedule import SCHEDULES

SMALL = HeadConfig(head_dim=2, window=4, columns=2, sink=1)


@pytest.mark.parametrize("name", ["h", "Head", "head_2", "a1_b2_C3", "x" * LONGEST])
def test_takes_a_plain_name(name):
    check_identifier(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "2head",
        "_head",
        "head_",
        "a__b",
        "a.b",
        "a-b",
        "a b",
        "a$b",
        "kopf_ä",
        "٣a",
        "a\n",
        "a٣",
    ],
)
def test_refuses_a_name_that_some_language_does_not_take(name):
    with pytest.raises(ValueError, match="single underscores"):
        check_identifier(name)


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("wire", "Verilog"),
        ("logic", "Verilog"),
        ("entity", "VHDL"),
        ("Signal", "VHDL"),
        ("namespace", "C\\+\\+"),
        ("xor_eq", "C\\+\\+"),
        ("co_await", "C\\+\\+"),
    ],
)
def test_refuses_a_keyword_and_names_its_language(name, language):
    assert name.lower() in KEYWORD_OF
    with pytest.raises(ValueError, match=f"keyword of {language}$"):
        check_identifier(name)


def test_refuses_a_name_too_long():
    with pytest.raises(ValueError, match=f"has {LONGEST + 1} characters.* {LONGEST} or fewer"):
        check_identifier("x" * (LONGEST + 1))


def test_a_head_may_not_be_called_anything():
    with pytest.raises(ValueError, match="keyword of Verilog"):
        head_verilog(SMALL, "module")


def declared(verilog):
    """Names of all modules, and of all ports of them."""
    lines = [line.split("//")[0].split() for line in verilog.splitlines()]
    modules = [line[1].partition("(")[0] for line in lines if line[:1] == ["module"]]
    ports = [line[-1].rstrip(";") for line in lines if line[:1] in (["input"], ["output"])]
    return modules, ports


@pytest.mark.parametrize("refresh", [True, False])
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("readout", READOUT_NAMES)
def test_every_module_and_port_has_a_plain_name(readout, schedule, refresh):
    config = replace(SMALL, readout=readout, schedule=schedule, refresh=refresh)
    modules, ports = declared(head_verilog(config, "Kopf"))
    assert len(modules) > 5
    assert len(ports) > 37
    for name in (*modules, *ports):
        check_identifier(name)
    assert all(module == "Kopf" or module.startswith("Kopf_") for module in modules)
    # VHDL does not tell upper from lower case.
    assert len({name.lower() for name in modules}) == len(modules)
