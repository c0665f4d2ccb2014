"""Subcircuits drawn as rows: rules kept, circuit found again, planted errors refuted."""

import json
from dataclasses import replace

import pytest
from drawn_cells import CELL

from gaincell.cli import main
from gaincell.layout.checks import violations
from gaincell.layout.klayout import db
from gaincell.layout.rows.devices import Circuit, Device, subcircuit
from gaincell.layout.rows.draw import draw_subcircuit
from gaincell.layout.rows.lines import APART, spans, terminals, tracks
from gaincell.layout.rows.lvs import same_circuit
from gaincell.layout.rows.plan import WIDEST, plan_rows
from gaincell.spice.design import load_design

PARTS = """
.subckt inverter a y vdd vss
xp y a vdd vdd pfet w={2*w_write} l=0.15
xn y a vss vss nfet w={w_write} l=0.15
.ends
.subckt line_driver a wl wlb vdd vss
x1 a b vdd vss inverter
x2 b wlb vdd vss inverter
xm1 wl b vdd vdd pfet w=7.005 l=0.15
xm2 wl b low vss nfet_lvt w={7*w_write} l=0.15
xm3 low a vss vss nfet w=0.42 l=4 m=2
xm4 wl a b vdd pfet_lvt w=1 l=0.35
.ends
.subckt score_converter bl reset resetb conv hold holdb gate pulse done vbp vmid vdd vss
cint bl vss 2e-13
xc bl reset vdd vss comparator
cstep bl holdb 1e-14
.ends
.subckt comparator a y vdd vss
cz a x 6e-14
xi x y vdd vss inverter
.ends
.subckt references vbp vbn vdd vss
iref vbp vss 1e-6
.ends
"""
MANY = tuple(Device("n", False, f"n{at}", f"n{at + 1}", "vss", 420, 150) for at in range(40))


@pytest.fixture(scope="module")
def design(process, folder):
    return folder(CELL + PARTS)


@pytest.fixture(scope="module")
def driver(design, process):
    return subcircuit(load_design(design), process, "line_driver")


@pytest.fixture(scope="module")
def devices(driver):
    return driver.devices


@pytest.fixture(scope="module")
def converter(design, process):
    return subcircuit(load_design(design), process, "score_converter")


def test_devices_are_those_of_the_netlist_and_of_what_is_in_it(devices):
    assert len(devices) == 2 * 2 + 5
    assert devices[0] == Device("p", False, "b", "a", "vdd", 840, 150)
    assert devices[3] == Device("n", False, "wlb", "b", "vss", 420, 150)
    assert [each.low for each in devices] == [False] * 5 + [True, False, False, True]
    assert devices[5].width == 2940
    assert devices[6] == devices[7]


@pytest.mark.parametrize("count", [0, 1, 2, 5, 9])
def test_a_part_keeps_the_rules_and_has_its_circuit(devices, process, count):
    own = Circuit(devices[:count] or MANY)
    drawn = draw_subcircuit("part", own, process)
    assert violations(drawn.cell, process) == {}
    box = drawn.cell.bbox()
    assert (box.width(), box.height()) == (drawn.width, drawn.height)
    assert same_circuit(drawn.cell, process, own)


@pytest.mark.parametrize("at", range(9))
@pytest.mark.parametrize(
    "change",
    [
        lambda each: replace(each, width=each.width + 5),
        lambda each: replace(each, length=each.length + 5),
        lambda each: replace(each, low=not each.low),
        lambda each: replace(each, kind="np"[each.kind == "n"]),
        lambda each: replace(each, gate="vss" if each.gate != "vss" else "vdd"),
        lambda each: replace(each, drain="wl" if each.drain != "wl" else "wlb"),
    ],
    ids=["width", "length", "threshold", "kind", "gate", "drain"],
)
def test_another_transistor_is_refuted(driver, devices, process, at, change):
    drawn = draw_subcircuit("part", driver, process)
    other = *devices[:at], change(devices[at]), *devices[at + 1 :]
    assert not same_circuit(drawn.cell, process, Circuit(other))


def test_capacitors_are_drawn_over_the_transistors(converter, process):
    assert [each.farads for each in converter.capacitors] == [2e-13, 6e-14, 1e-14]
    drawn = draw_subcircuit("part", converter, process)
    assert violations(drawn.cell, process) == {}
    assert same_circuit(drawn.cell, process, converter)
    box = drawn.cell.bbox()
    assert (box.width(), box.height()) == (drawn.width, drawn.height)
    index = drawn.layout.layer(*process.layers["capm"])
    plates = db().Region(drawn.cell.shapes(index)).area() / 1e6
    assert plates == pytest.approx(2.7e-13 / 2e-15, rel=5e-3)


@pytest.mark.parametrize("at", range(3))
@pytest.mark.parametrize(
    "change",
    [
        lambda each: replace(each, farads=1.01 * each.farads),
        lambda each: replace(each, upper="hold"),
        lambda each: replace(each, lower="vdd"),
    ],
    ids=["size", "upper", "lower"],
)
def test_another_capacitor_is_refuted(converter, process, at, change):
    drawn = draw_subcircuit("part", converter, process)
    own = converter.capacitors
    other = *own[:at], change(own[at]), *own[at + 1 :]
    assert not same_circuit(drawn.cell, process, replace(converter, capacitors=other))
    assert not same_circuit(
        drawn.cell, process, replace(converter, capacitors=(*own[:at], *own[at + 1 :]))
    )


@pytest.mark.parametrize("layer", ["via2", "m3", "via3", "m4", "capm"])
def test_a_capacitor_without_its_wires_is_refuted(converter, process, layer):
    drawn = draw_subcircuit("part", converter, process)
    drawn.cell.shapes(drawn.layout.layer(*process.layers[layer])).clear()
    assert not same_circuit(drawn.cell, process, converter)


@pytest.mark.parametrize("layer", ["licon", "mcon", "via", "m1", "m2", "poly", "li"])
def test_an_open_is_refuted(driver, process, layer):
    drawn = draw_subcircuit("part", driver, process)
    shapes = drawn.cell.shapes(drawn.layout.layer(*process.layers[layer]))
    middle = drawn.width // 2
    hole = db().Region(db().Box(middle - 3000, 0, middle + 3000, drawn.height))
    left = db().Region(shapes).merged() - hole
    shapes.clear()
    shapes.insert(left)
    assert not same_circuit(drawn.cell, process, driver)


def test_a_short_between_lines_is_refuted(driver, process):
    drawn = draw_subcircuit("part", driver, process)
    index = drawn.layout.layer(*process.layers["m2"])
    drawn.cell.shapes(index).insert(db().Box(0, 200, 300, 600))
    assert not same_circuit(drawn.cell, process, driver)


def test_wide_transistors_are_folded_and_every_terminal_has_a_column(devices, process):
    plan = plan_rows(devices, process)
    assert all(finger.device.width <= WIDEST for finger in plan.fingers)
    assert sum(finger.device.width for finger in plan.fingers) == sum(e.width for e in devices)
    columns = [finger.gate for finger in plan.fingers] + [finger.right for finger in plan.fingers]
    columns += [finger.left for finger in plan.fingers if not finger.shares]
    columns += [tap + shift for tap in plan.taps for shift in (0, 400)]
    assert len(set(columns)) == len(columns)
    assert all(column % 400 == 0 for column in columns)
    assert 0 < min(columns) < max(columns) < plan.width


def test_inner_nets_share_tracks_and_others_have_their_own(driver, converter, process):
    plan = plan_rows(MANY, process)
    many = tracks(Circuit(MANY), plan)
    ends = spans(terminals(plan))
    assert len(set(many.values())) < len(many) / 5
    for one in many:
        for other in set(many) - {one, "vss", "vdd"}:
            if one != other and many[one] == many[other]:
                first, second = sorted((ends[one], ends[other]), key=lambda each: each.low)
                assert second.low - first.high >= APART
    for circuit in (driver, converter):
        own = tracks(circuit, plan_rows(circuit.devices, process))
        crossing = [own[net] for net in {*circuit.ports, "vss", "vdd"} & set(own)]
        assert len(set(crossing)) == len(crossing)
        assert not set(crossing) & {own[net] for net in set(own) - {*circuit.ports}}


def test_a_line_of_an_inner_net_ends_at_its_last_terminals(driver, process):
    drawn = draw_subcircuit("part", driver, process)
    index = drawn.layout.layer(*process.layers["m2"])
    shapes = db().Region(drawn.cell.shapes(index)).merged()
    ends = spans(terminals(plan_rows(driver.devices, process)))
    for net in ("b", "low", "a", "vss"):
        y = drawn.lines[net].middle
        found = (shapes & db().Region(db().Box(0, y, drawn.width, y + 5))).each()
        inner = net in ("b", "low")
        wanted = (ends[net].low, ends[net].high) if inner else (0, drawn.width)
        assert wanted in {(each.bbox().left, each.bbox().right) for each in found}


def test_a_net_that_keeps_a_charge_lies_between_supplies(converter, process):
    assert converter.held == ["bl", "xc.x"]
    own = tracks(converter, plan_rows(converter.devices, process))
    beside = {
        net: {one for one, at in own.items() if abs(at - own[net]) == 1} for net in converter.held
    }
    assert beside["bl"] == {"vss", "vdd"}
    assert "vdd" in beside["xc.x"]


def test_the_command_draws_a_part(design, tmp_path, capsys):
    output = tmp_path / "part"
    words = ["part", "--design", str(design), "--part", "line_driver", "-o", str(output)]
    assert main(words) == 0
    metrics = json.loads((output / "metrics.json").read_text())
    assert metrics["violations"] == {}
    assert metrics["same_circuit"]
    assert metrics["transistors"] == 9
    low, high = metrics["estimate_um2"]
    assert 0 < low < high < metrics["um2"]
    assert (output / "part.png").read_bytes().startswith(b"\x89PNG")
    said = capsys.readouterr().out
    assert "none broken" in said
    assert "9 transistors" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--part", "linedriver"], "has no subcircuit linedriver"),
        (["--part", "references"], "iref of subcircuit references is no transistor"),
        (["--part", "line_driver", "--design", "freepdk45"], "is at 45 nm, but process sky130"),
        (["--part", "line_driver", "--process", "none"], 'process is "none"'),
        (["--part", "line_driver", "-o", "."], "output . exists"),
    ],
)
def test_wrong_input_is_one_sentence(design, tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    assert main(["part", "--design", str(design), "-o", "part", *words]) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert not list(tmp_path.iterdir())
