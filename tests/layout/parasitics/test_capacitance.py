"""Extraction of planted shapes against what one counts by hand, and of a sub-tile's lines."""

import math

import pytest

from gaincell.layout.arrays.circuit import gain_cell
from gaincell.layout.arrays.tile import draw_tile
from gaincell.layout.klayout import db
from gaincell.layout.parasitics.capacitance import SUBSTRATE, capacitances
from gaincell.layout.parasitics.resistance import line_ohm
from gaincell.spice.design import load_design

FF = 1e-15


def drawn(process, *shapes):
    """A layout of boxes (layer, net, left, low, right, high), um; metals 1 and 2 have names."""
    layout = db().Layout()
    layout.dbu = 1e-3
    cell = layout.create_cell("planted")
    for layer, net, *corners in shapes:
        box = db().Box(*(round(1e3 * each) for each in corners))
        cell.shapes(layout.layer(*process.layers[layer])).insert(box)
        if f"{layer}_label" in process.layers:
            label = db().Text(net, db().Trans(box.center().x, box.center().y))
            cell.shapes(layout.layer(*process.layers[f"{layer}_label"])).insert(label)
    return layout


def extracted(process, *shapes):
    return capacitances(drawn(process, *shapes), process)[0]


def share(um, ff_per_um2):
    """Part of an edge's field up to a distance: the documented formula."""
    return 2 / math.pi * math.atan(0.02 * ff_per_um2 * 1e3 * um)


def test_a_lone_wire_has_its_area_and_its_edge(process):
    found = extracted(process, ("m1", "a", 0, 0, 100, 10))
    by_hand = 100 * 10 * 25.7784e-3 + 2 * 110 * 40.567e-3
    assert found.total("a") == pytest.approx(by_hand * FF, rel=1e-6)
    assert found.partners("a").keys() == {SUBSTRATE}


def test_a_longer_wire_has_more(process):
    each = [
        extracted(process, ("m2", "a", 0, 0, length, 0.28)).total("a") for length in (10, 20, 30)
    ]
    assert each[0] < each[1] < each[2]
    assert each[2] - each[1] == pytest.approx(each[1] - each[0], rel=1e-6)


def test_neighbours_couple_and_take_the_substrate_its_part(process):
    wires = ("m1", "a", 0, 0, 100, 0.3), ("m1", "b", 0, 0.5, 100, 0.8)
    found = extracted(process, *wires)
    assert found.between("a", "b") == pytest.approx(100 * 44e-3 / (0.2 + 0.25) * FF, rel=1e-6)
    ends = 100 * (1 + share(0.2, 25.7784e-3)) + 2 * 0.3
    by_hand = 100 * 0.3 * 25.7784e-3 + ends * 40.567e-3
    assert found.between("a", SUBSTRATE) == pytest.approx(by_hand * FF, rel=1e-6)
    further = extracted(process, wires[0], ("m1", "b", 0, 1.3, 100, 1.6))
    assert further.between("a", "b") < found.between("a", "b")
    behind = extracted(process, *wires, ("m1", "c", 0, 1, 100, 1.3))
    assert behind.between("a", "c") == 0
    assert behind.between("a", "b") == pytest.approx(found.between("a", "b"))


def test_layers_couple_where_they_overlap_and_hide_what_is_below(process):
    plates = ("m2", "up", 0, 0, 50, 10), ("m1", "down", 0, 0, 50, 10)
    found = extracted(process, *plates)
    assert found.between("up", "down") == pytest.approx(500 * 133.86e-3 * FF, rel=1e-6)
    assert found.between("up", SUBSTRATE) == pytest.approx(120 * 37.759e-3 * FF, rel=1e-6)
    lower = ("li", "low", 10, 2, 20, 8)
    hidden = extracted(process, *plates, lower)
    assert [len(hidden.partners(each)) for each in ("up", "down")] == [2, 3]


def test_an_edge_over_a_plate_couples_to_it(process):
    found = extracted(process, ("m2", "up", 0, 0, 100, 1), ("m1", "down", -50, -50, 150, 51))
    by_hand = 100 * 133.86e-3 + 202 * 67.05e-3
    assert found.between("up", "down") == pytest.approx(by_hand * FF, rel=1e-6)
    assert found.between("up", SUBSTRATE) < 1e-6 * found.total("up")


def test_a_gate_is_left_to_the_transistor(process):
    gate = ("poly", "", 0, -1, 0.15, 2)
    alone = extracted(process, gate)
    over = extracted(process, gate, ("diff", "", -1, 0, 1, 1), ("nsdm", "", -2, -1, 2, 2))
    (net,) = {name for pair in alone.pairs for name in pair} - {SUBSTRATE}
    by_hand = 0.15 * 3 * 106.13e-3 + 2 * 3.15 * 55.27e-3
    assert alone.total(net) == pytest.approx(by_hand * FF, rel=1e-6)
    under = 0.15 * 1 * 106.13e-3 + 2 * 1 * 55.27e-3
    seen = {name for pair in over.pairs for name in pair} - {SUBSTRATE}
    assert sum(over.total(each) for each in seen) == pytest.approx((by_hand - under) * FF, rel=1e-6)


def test_a_line_has_its_squares(process):
    layout = drawn(process, ("m1", "a", 0, 0, 30, 0.3), ("m1", "a", 30, -0.15, 42, 0.45))
    _, found = capacitances(layout, process)
    ohm = line_ohm(found, "planted", "a", "m1", process.sheets["m1"])
    assert ohm == pytest.approx(0.125 * (30 / 0.3 + 12 / 0.6))


def test_the_nets_of_a_sub_tile_add_up_to_all_pairs(process):
    circuit = gain_cell(load_design("sky130"), process)
    found, _ = capacitances(draw_tile(circuit, process, 3, 3).layout, process)
    nets = {name for pair in found.pairs for name in pair}
    assert sum(map(found.total, nets)) == pytest.approx(2 * sum(found.pairs.values()))
    assert min(found.pairs.values()) > 0
    lines = [found.total(f"wl{row}") for row in range(3)]
    assert max(lines) < 1.05 * min(lines)
    longer, _ = capacitances(draw_tile(circuit, process, 3, 6).layout, process)
    assert 1.7 < longer.total("wl1") / found.total("wl1") < 2.1
