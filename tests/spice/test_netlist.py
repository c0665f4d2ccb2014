"""Netlists of designs: what is read, what is refused, and what a deck gets."""

import re

import numpy as np
import pytest

from gaincell.spice.design import FOLDER, load_design, shipped_designs
from gaincell.spice.netlist import PORTS, read_netlist

CELL = " ".join(PORTS["cell"])
INNER = """
* comment
.subckt inverter a y vdd vss
mp y a vdd vdd P w={w} l=50e-9
mn y a vss vss N w=90e-9
+ l=50e-9 m=2
.ends
"""
OWN = f"""{INNER}
.subckt cell {CELL}
mw wbl wwl s vss N w={{2*w}} l=1e-7 $ writes
xa wl y vdd vss inverter
xb wlb z vdd vss inverter
.ends
"""


@pytest.fixture
def netlist(tmp_path):
    """Reads a text as a netlist."""

    def read(text):
        path = tmp_path / "netlist.sp"
        path.write_text(text)
        return read_netlist(path)

    return read


def test_counts_the_transistors_of_inner_subcircuits(netlist):
    own = netlist(OWN)
    assert own.transistors("cell") == 5
    assert own.models == ("N", "P")
    assert own.devices("inverter")[1].copies == "2"


def test_adds_junction_areas_to_transistors_only(netlist):
    text = netlist(OWN).text(120e-9)
    assert "ad={(2*w)*1.2e-07}" in text
    assert "pd={2*((90e-9)+1.2e-07)}" in text
    assert "xa wl y vdd vss inverter\n" in text
    assert " ad=" not in netlist(OWN).text(0.0)


def test_a_model_that_is_a_subcircuit_has_an_m_of_its_own(netlist):
    text = netlist(OWN.replace("mw wbl", "xw wbl")).text(0.0)
    assert "xw wbl wwl s vss N w={2*w} l=1e-7 m=1\n" in text
    assert text.count("m=1") == 1


def test_every_transistor_of_a_varied_copy_has_its_own_shift(netlist):
    text = netlist(OWN).varied("cell", "7", 0.0, np.random.default_rng(0))
    shifts = re.findall(r"delvto=\{(\S+)\*a_vt", text)
    assert len(shifts) == len(set(shifts)) == 5
    assert text.rstrip().endswith(".ends cell_7")
    assert "*a_vt/sqrt((90e-9)*(50e-9)*(2))}" in text
    again = netlist(OWN).varied("cell", "7", 0.0, np.random.default_rng(0))
    assert again == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no subcircuit cell"),
        (".subckt cells a\n.ends", 'nearest known: "cells"'),
        (".subckt cell bl wl\n.ends", f"must have {CELL}"),
        (f".subckt cell {CELL}", "has no .ends"),
        (".ends", "ends no subcircuit"),
        ("r1 a b 1", "stands outside a subcircuit"),
        (f".subckt cell {CELL}\n.subckt b c\n", "inside another one"),
    ],
)
def test_refuses_netlists_that_break_the_port_contract(netlist, text, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        netlist(text)


@pytest.mark.parametrize("name", shipped_designs())
def test_shipped_designs_hold_to_the_contract(name):
    design = load_design(name)
    assert set(PORTS) <= set(design.netlist.bodies)
    named = set(re.findall(r"\{([^}]*)\}", (FOLDER / name / "netlist.sp").read_text()))
    used = {word for each in named for word in re.findall(r"[a-z]\w*", each)}
    assert used == set(design.sizes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("cell_v = 0.9", "cel_v = 0.9"), 'unknown key "cel_v" (nearest known: "cell_v")'),
        (("cell_v = 0.9", "cell_v = -1"), "cell_v is -1, but must be above 0"),
        (("w_switch = 90e-9", 'w_switch = "wide"'), "must be a number"),
        (("[sizes]", "[size]"), 'unknown table "size"'),
    ],
)
def test_refuses_settings_by_name(tmp_path, change, said):
    for file in (FOLDER / "freepdk45").iterdir():
        (tmp_path / file.name).write_text(file.read_text().replace(*change))
    with pytest.raises((TypeError, ValueError), match=re.escape(said)):
        load_design(tmp_path)


def test_refuses_what_is_no_design(tmp_path):
    with pytest.raises(ValueError, match="neither freepdk45, freepdk45_long, sky130 nor a folder"):
        load_design(tmp_path)
