"""The drawn circuit: that of the netlist, and each planted error is refuted."""

from dataclasses import replace

import pytest

from gaincell.layout.arrays.circuit import gain_cell
from gaincell.layout.arrays.lvs import same_circuit
from gaincell.layout.arrays.parasitics import wires_per_cell
from gaincell.layout.arrays.tile import draw_tile
from gaincell.layout.klayout import db
from gaincell.spice.design import load_design

DIMS, TOKENS = 2, 4


def drawn(circuit, process):
    return draw_tile(circuit, process, DIMS, TOKENS)


def compared(tile, circuit, process):
    return same_circuit(tile.cell, process, circuit, DIMS, TOKENS)


@pytest.mark.parametrize(("dims", "tokens"), [(1, 1), (DIMS, TOKENS), (3, 19)])
def test_the_drawing_has_the_circuit_of_the_netlist(circuit, process, dims, tokens):
    tile = draw_tile(circuit, process, dims, tokens)
    assert same_circuit(tile.cell, process, circuit, dims, tokens)
    assert not same_circuit(tile.cell, process, circuit, dims, tokens + 1)


@pytest.mark.parametrize("name", ["write", "read_n", "read_p", "switch_n", "switch_p"])
@pytest.mark.parametrize("size", ["width", "length"])
def test_another_size_is_refuted(circuit, process, name, size):
    transistor = getattr(circuit, name)
    other = replace(transistor, **{size: getattr(transistor, size) + process.grid_nm})
    assert not compared(drawn(circuit, process), replace(circuit, **{name: other}), process)


def test_a_drawing_of_another_arrangement_is_refuted(circuit, process):
    swapped = replace(
        circuit,
        switch_n=replace(circuit.switch_n, gate="wlb"),
        switch_p=replace(circuit.switch_p, gate="wl"),
    )
    assert not compared(drawn(circuit, process), swapped, process)


@pytest.mark.parametrize(("one", "other"), [("wl0", "wl1"), ("bl0", "bl1"), ("write0", "wlb0")])
def test_swapped_lines_are_refuted(circuit, process, one, other):
    tile = drawn(circuit, process)
    one = one.replace("write", circuit.along_row[2])
    layer = "m2_label" if one.startswith("bl") else "m1_label"
    shapes = tile.cell.shapes(tile.layout.layer(*process.layers[layer]))
    texts = {each.text.string: each for each in shapes.each()}
    texts[one].text_string, texts[other].text_string = other, one
    assert not compared(tile, circuit, process)


@pytest.mark.parametrize(
    ("layer", "corners"),
    [
        ("m1", (100, 400, 300, 1200)),  # vss and a word line
        ("li", (1300, 600, 2100, 770)),  # write bit line and storage node
    ],
)
def test_a_short_is_refuted(circuit, process, layer, corners):
    tile = drawn(circuit, process)
    index = tile.layout.layer(*process.layers[layer])
    tile.cell.shapes(index).insert(db().Box(*corners))
    assert not compared(tile, circuit, process)


@pytest.mark.parametrize("layer", ["licon", "mcon", "via", "m1", "m2", "poly"])
def test_an_open_is_refuted(circuit, process, layer):
    """The lowest left quarter of one cell loses a layer."""
    tile = drawn(circuit, process)
    index = tile.layout.layer(*process.layers[layer])
    shapes = db().Region(tile.cell.begin_shapes_rec(index)).merged()
    left, low = 1000, 0
    hole = db().Region(db().Box(left, low, left + tile.cell_width, low + tile.cell_height))
    for cell in tile.layout.each_cell():
        cell.shapes(index).clear()
    tile.cell.shapes(index).insert(shapes - hole)
    assert not compared(tile, circuit, process)


def test_wires_are_counted_once_for_each_cell(circuit, process):
    wires = wires_per_cell(circuit, process)
    assert wires.keys() == {"wl", "wlb", "wbl", "bl", "wwl", "s"}
    along_row = process.wires["m1"]
    cell = draw_tile(circuit, process, 1, 1)
    width = cell.cell_width * 1e-9
    least = 0.26e-6 * width * along_row.area + 2 * width * along_row.edge
    for line in circuit.along_row:
        assert least < wires[line] < 3 * least
    assert all(1e-16 < each < 4e-15 for each in wires.values())


def test_the_wires_of_the_shipped_design_are_those_that_are_drawn(process):
    design = load_design("sky130")
    circuit = gain_cell(design, process)
    assert compared(drawn(circuit, process), circuit, process)
    wires, levels = wires_per_cell(circuit, process), design.levels
    given = {
        "wl": levels.line_f,
        "wlb": levels.line_f,
        "wbl": levels.row_f,
        "wwl": levels.write_line_f,
        "s": design.sizes["c_store"],
    }
    for line, farads in given.items():
        assert farads == pytest.approx(wires[line], rel=0.05)
