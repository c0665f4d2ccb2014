"""Chains of resistors drawn as strips of poly: rules kept, resistances found again."""

from dataclasses import replace

import pytest
from drawn_cells import CELL

from gaincell.layout.checks import violations
from gaincell.layout.klayout import db
from gaincell.layout.rows.devices import Circuit, Device, Resistor, subcircuit
from gaincell.layout.rows.draw import draw_subcircuit
from gaincell.layout.rows.lvs import same_circuit
from gaincell.layout.rows.plan import TAP_REACH, plan_rows
from gaincell.layout.rows.resistors import chains
from gaincell.spice.design import load_design

SWITCH = Device("n", False, "low", "go", "vss", 4200, 150)
LADDER = (
    Resistor("vdd", "t2", 217.8),
    Resistor("t1", "t2", 20.0),
    Resistor("t1", "t0", 20.0),
    Resistor("t0", "low", 104.1),
)
OWN = Circuit((SWITCH,), ports=("go", "t0", "t1", "t2", "vdd", "vss"), resistors=LADDER)
NETLIST = """
.subckt write_ladder go t0 t1 t2 t3 t4 t5 t6 t7 vdd vss
r1 vdd t0 {10*w_write+100}
r0 t0 low 95
xmgo low go vss vss nfet w=160 l=0.15
.ends
"""


@pytest.mark.parametrize("ohms", [18.0, 33.3, 1000.0])
def test_a_ladder_keeps_the_rules_and_has_its_circuit(process, ohms):
    own = replace(OWN, resistors=tuple(replace(each, ohms=ohms) for each in LADDER))
    drawn = draw_subcircuit("part", own, process)
    assert violations(drawn.cell, process) == {}
    assert same_circuit(drawn.cell, process, own)
    box = drawn.cell.bbox()
    assert (box.width(), box.height()) == (drawn.width, drawn.height)


def test_several_chains_stand_side_by_side(process):
    other = Resistor("go", "x", 50.0), Resistor("x", "y", 70.0)
    own = replace(OWN, resistors=(*LADDER, *other))
    assert [chain.nets for chain in chains(own.resistors)] == [
        ("vdd", "t2", "t1", "t0", "low"),
        ("go", "x", "y"),
    ]
    drawn = draw_subcircuit("part", own, process)
    assert violations(drawn.cell, process) == {}
    assert same_circuit(drawn.cell, process, own)


@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize(
    "change",
    [
        lambda each: replace(each, ohms=1.01 * each.ohms),
        lambda each: replace(each, first="go"),
        lambda each: replace(each, second="vss"),
    ],
    ids=["size", "first", "second"],
)
def test_another_resistor_is_refuted(process, at, change):
    drawn = draw_subcircuit("part", OWN, process)
    other = *LADDER[:at], change(LADDER[at]), *LADDER[at + 1 :]
    assert not same_circuit(drawn.cell, process, replace(OWN, resistors=other))


@pytest.mark.parametrize("layer", ["poly_res", "licon", "m1"])
def test_a_ladder_without_a_layer_is_refuted(process, layer):
    drawn = draw_subcircuit("part", OWN, process)
    assert same_circuit(drawn.cell, process, OWN)
    index = drawn.layout.layer(*process.layers[layer])
    shapes = db().Region(drawn.cell.shapes(index))
    rows = db().Box(0, 0, plan_rows(OWN.devices, process).width, drawn.height)
    drawn.cell.shapes(index).clear()
    drawn.cell.shapes(index).insert(shapes & db().Region(rows))
    assert not same_circuit(drawn.cell, process, OWN)


def test_a_netlist_has_resistors_and_a_wide_switch_between_taps(process, folder):
    own = subcircuit(load_design(folder(CELL + NETLIST)), process, "write_ladder")
    assert [each.ohms for each in own.resistors] == pytest.approx([104.2, 95.0])
    plan = plan_rows(own.devices, process)
    assert len(plan.taps) > 2
    assert all(b - a <= TAP_REACH + 4000 for a, b in zip(plan.taps, plan.taps[1:], strict=False))
    drawn = draw_subcircuit("part", own, process)
    assert violations(drawn.cell, process) == {}
    assert same_circuit(drawn.cell, process, own)


@pytest.mark.parametrize(
    ("resistors", "words"),
    [
        ([*LADDER, Resistor("t1", "vss", 50.0)], "3 resistors meet at t1"),
        (
            [Resistor("a", "b", 50.0), Resistor("b", "c", 50.0), Resistor("c", "a", 50.0)],
            "resistors at a close a ring",
        ),
        ([Resistor("a", "b", 4.0)], "a resistor of 4 Ohm is too small"),
    ],
)
def test_what_is_no_strip_is_refused(process, resistors, words):
    with pytest.raises(ValueError, match=words):
        draw_subcircuit("part", replace(OWN, resistors=tuple(resistors)), process)
