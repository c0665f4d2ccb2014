"""The rules: a drawing keeps all of them, for any size, and each is seen to be broken."""

from dataclasses import replace

import pytest

from gaincell.layout.arrays.tile import draw_tile
from gaincell.layout.checks import violations
from gaincell.layout.klayout import db


@pytest.mark.parametrize(("dims", "tokens"), [(1, 1), (2, 3), (3, 19)])
def test_a_drawing_breaks_no_rule(circuit, process, dims, tokens):
    tile = draw_tile(circuit, process, dims, tokens)
    assert violations(tile.cell, process) == {}
    assert (tile.cell.bbox().width(), tile.cell.bbox().height()) == (tile.width, tile.height)


@pytest.mark.parametrize("write", [(420, 150), (420, 300), (1000, 500), (640, 2000)])
@pytest.mark.parametrize("read", [(420, 420, 150), (550, 1680, 250), (2000, 420, 1000)])
@pytest.mark.parametrize("switch", [150, 500])
def test_no_size_breaks_a_rule(circuit, process, write, read, switch):
    n, p, length = read
    cell = replace(
        circuit,
        write=replace(circuit.write, width=write[0], length=write[1]),
        read_n=replace(circuit.read_n, width=n, length=length),
        read_p=replace(circuit.read_p, width=p, length=length),
        switch_n=replace(circuit.switch_n, width=n, length=switch),
        switch_p=replace(circuit.switch_p, width=p, length=switch),
    )
    tile = draw_tile(cell, process, 2, 2)
    assert violations(tile.cell, process) == {}


CHANGES = {
    "gone": lambda shapes: db().Region(),
    "small": lambda shapes: shapes.sized(-30),
    "large": lambda shapes: shapes.sized(90),
    "right": lambda shapes: shapes.moved(100, 0),
    "up": lambda shapes: shapes.moved(0, 150),
    "thin": lambda shapes: shapes.sized(-65, 0, 2),
    "lower half": lambda shapes: shapes & db().Region(db().Box(0, 0, 4000, 1500)),
    "twice": lambda shapes: shapes + shapes.moved(300, 300),
}
"""What is done to all shapes of one layer."""

ALONE = {
    "nwell.1": [("nwell", 0, 0, 835, 3000)],
    "nwell.2a": [("nwell", 0, 0, 2000, 2000), ("nwell", 3265, 0, 5265, 2000)],
    "poly.5": [("tap", 0, 0, 500, 500), ("poly", 550, 0, 750, 500)],
    "nsd.1": [("nsdm", 0, 0, 375, 3000)],
    "nsd.2": [("nsdm", 0, 0, 1000, 1000), ("nsdm", 1375, 0, 2375, 1000)],
    "psd.1": [("psdm", 0, 0, 375, 3000)],
    "psd.2": [("psdm", 0, 0, 1000, 1000), ("psdm", 1375, 0, 2375, 1000)],
    "licon.11": [
        ("diff", 0, 0, 2000, 500),
        ("poly", 800, -200, 1000, 700),
        ("licon", 1050, 165, 1220, 335),
    ],
    "licon.13": [
        ("diff", 0, 0, 500, 500),
        ("licon", 165, 165, 335, 335),
        ("npc", 420, 0, 800, 500),
    ],
    "poly.3": [("poly", 0, 0, 3000, 325), ("poly_res", 500, 0, 1000, 325)],
    "poly.9": [
        ("poly", 0, 0, 3000, 400),
        ("poly_res", 500, 0, 1000, 400),
        ("diff", 500, 875, 1000, 1300),
    ],
    "lvtn.1a": [("lvtn", 0, 0, 375, 3000)],
    "lvtn.2": [("lvtn", 0, 0, 1000, 1000), ("lvtn", 1375, 0, 2400, 1000)],
    "lvtn.3a": [
        ("diff", 0, 0, 2000, 1000),
        ("poly", 900, -200, 1050, 1200),
        ("lvtn", 725, -200, 1300, 1200),
    ],
    "lvtn.4b": [
        ("diff", 0, 0, 2000, 1000),
        ("poly", 900, -200, 1050, 1200),
        ("lvtn", 1225, -200, 1900, 1200),
    ],
    "m1.1": [("m1", 0, 0, 135, 3000)],
    "via.2": [("via", 0, 0, 150, 150), ("via", 315, 0, 465, 150)],
    "m2.1": [("m2", 0, 0, 135, 3000)],
    "m2.6": [("m2", 0, 0, 250, 250)],
    "via2.1a": [("via2", 0, 0, 200, 205)],
    "via2.2": [("via2", 0, 0, 200, 200), ("via2", 395, 0, 595, 200)],
    "via2.4": [("via2", 0, 0, 200, 200), ("m2", -85, -35, 285, 235)],
    "via2.5": [("via2", 0, 0, 200, 200), ("m2", -80, -80, 280, 280)],
    "m3.1": [("m3", 0, 0, 295, 3000)],
    "m3.2": [("m3", 0, 0, 1000, 1000), ("m3", 1295, 0, 2295, 1000)],
    "m3.4": [("via2", 0, 0, 200, 200), ("m3", -60, -500, 260, 700)],
    "m3.6": [("m3", 0, 0, 300, 795)],
    "via3.1": [("via3", 0, 0, 200, 195)],
    "via3.2": [("via3", 0, 0, 200, 200), ("via3", 0, 395, 200, 595)],
    "via3.4": [("via3", 0, 0, 200, 200), ("m3", -90, -55, 290, 255)],
    "via3.5": [("via3", 0, 0, 200, 200), ("m3", -85, -85, 285, 285)],
    "m4.1": [("m4", 0, 0, 3000, 295)],
    "m4.2": [("m4", 0, 0, 1000, 1000), ("m4", 0, 1295, 1000, 2295)],
    "m4.3": [("via3", 0, 0, 200, 200), ("m4", -500, -60, 700, 260)],
    "m4.4a": [("m4", 0, 0, 300, 795)],
    "capm.1": [("capm", 0, 0, 995, 3000)],
    "capm.2a": [("capm", 0, 0, 2000, 2000), ("capm", 2835, 0, 4000, 2000)],
    "capm.3": [("capm", 0, 0, 2000, 2000), ("m3", -135, -500, 2500, 2500)],
    "capm.4": [("capm", 0, 0, 2000, 2000), ("via3", 135, 500, 335, 700)],
    "capm.5": [("capm", 0, 0, 2000, 2000), ("via3", 2135, 500, 2335, 700)],
    "capm.8": [("capm", 0, 0, 2000, 2000), ("via2", 2135, 500, 2335, 700)],
}
"""Boxes that break a rule which a change of a whole layer leaves alone."""


def test_every_rule_is_seen_to_be_broken(circuit, process):
    seen = set(ALONE)
    drawn = [name for name in process.layers if not name.endswith("_label")]
    for layer in drawn:
        for change in CHANGES.values():
            tile = draw_tile(circuit, process, 2, 2)
            index = tile.layout.layer(*process.layers[layer])
            shapes = db().Region(tile.cell.begin_shapes_rec(index)).merged()
            for cell in tile.layout.each_cell():
                cell.shapes(index).clear()
            tile.cell.shapes(index).insert(change(shapes))
            seen |= violations(tile.cell, process).keys()
    assert seen == process.rules.keys()


@pytest.mark.parametrize("rule", ALONE)
def test_boxes_break_a_rule(process, rule):
    layout = db().Layout()
    cell = layout.create_cell("planted")
    for layer, *corners in ALONE[rule]:
        cell.shapes(layout.layer(*process.layers[layer])).insert(db().Box(*corners))
    assert rule in violations(cell, process)


def test_taps_too_far_apart_are_found(circuit, process, monkeypatch):
    monkeypatch.setattr("gaincell.layout.arrays.tile._between_taps", lambda *_: 12)
    sizes = (12, 1) if circuit.by_row else (1, 12)
    tile = draw_tile(circuit, process, *sizes)
    assert violations(tile.cell, process).keys() == {"lu.2", "lu.3"}
