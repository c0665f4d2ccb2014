"""From a design to a checked sub-tile: drawing, rules, circuit, wires, GDS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gaincell.config import HeadConfig
from gaincell.layout.arrays.cell import draw_cell
from gaincell.layout.arrays.circuit import gain_cell
from gaincell.layout.arrays.lvs import same_circuit
from gaincell.layout.arrays.outlines import Outline, outlines
from gaincell.layout.arrays.parasitics import wires_per_cell
from gaincell.layout.arrays.plan import column_lines
from gaincell.layout.arrays.tile import draw_tile
from gaincell.layout.checks import violations
from gaincell.layout.deck import DeckResult, find_deck, run_deck
from gaincell.layout.klayout import db, save
from gaincell.layout.process import Process
from gaincell.layout.results import write_metrics
from gaincell.spice.design import Design

GDS, PICTURE, DECK = "tile.gds", "cell.png", "deck.xml"
ARRAYS = ("keys", "values")
PAPER_NODE_NM = 28
"""Node to which areas are scaled beside the paper's."""


@dataclass(frozen=True)
class TileMetrics:
    """What was drawn and found; metrics.json holds the same.

    design, process : names
    array : "keys", with a row for each dimension, or "values", with a row for each token
    dims, tokens : of the sub-tile
    cell_um : width and height of a gain cell, um
    tile_um : of the sub-tile with its taps, um
    cell_um2 : area of a gain cell
    cell_um2_28nm : the same, by the square of the nodes' ratio
    transistors : of the sub-tile
    rules : number of rules that were checked
    violations : how often each broken rule is broken
    deck : what the official deck found; None: it was not run
    same_circuit : whether the drawing's circuit is the design's
    wires_f : capacitance to the substrate, F: of lines per cell, and of the storage node "s"
    """

    design: str
    process: str
    array: str
    dims: int
    tokens: int
    cell_um: tuple[float, float]
    tile_um: tuple[float, float]
    cell_um2: float
    cell_um2_28nm: float
    transistors: int
    rules: int
    violations: dict[str, int]
    deck: DeckResult | None
    same_circuit: bool
    wires_f: dict[str, float]


@dataclass(frozen=True)
class Picture:
    """What a picture of the cell needs: outlines in nm, lines' ways and middles in um."""

    outlines: dict[str, list[Outline]]
    lines: dict[str, tuple[str, float]]


def lay_out_tile(
    design: Design,
    config: HeadConfig,
    process: Process,
    folder: Path,
    say: Callable[[str], None],
    *,
    values: bool = False,
) -> tuple[TileMetrics, Picture]:
    """Draw and check a head's sub-tile; ``folder`` gets the GDS and the metrics.

    It is one of the keys, or with ``values`` one of the values.

    Raises
    ------
    ValueError
        The design's cell cannot be drawn in this process, or the official deck fails.
    Unable
        KLayout is not installed.
    """
    circuit = gain_cell(design, process, by_row=values)
    dims, tokens = config.head_dim, config.columns
    say(f"drawing {dims} x {tokens} cells ...")
    tile = draw_tile(circuit, process, dims, tokens)
    save(tile.layout, folder / GDS)
    say(f"checking {len(process.rules)} rules ...")
    broken = violations(tile.cell, process)
    deck = find_deck(process.name)
    official = None
    if deck is not None:
        say(f"running {deck} ...")
        official = run_deck(deck, folder / GDS, tile.cell.name, folder / DECK)
    transistors = dims * tokens * len(circuit.transistors)
    say(f"comparing {transistors} transistors with the netlist ...")
    same = same_circuit(tile.cell, process, circuit, dims, tokens)
    area = tile.cell_width * tile.cell_height / 1e6
    metrics = TileMetrics(
        design=design.name,
        process=process.name,
        array=ARRAYS[values],
        dims=dims,
        tokens=tokens,
        cell_um=(tile.cell_width / 1e3, tile.cell_height / 1e3),
        tile_um=(tile.width / 1e3, tile.height / 1e3),
        cell_um2=area,
        cell_um2_28nm=area * (PAPER_NODE_NM / process.node_nm) ** 2,
        transistors=transistors,
        rules=len(process.rules),
        violations=broken,
        deck=official,
        same_circuit=same,
        wires_f=wires_per_cell(circuit, process),
    )
    write_metrics(metrics, folder)
    layout = db().Layout()
    cell, x, y = draw_cell(layout, circuit, process)
    lines = {net: ("y", line.middle / 1e3) for net, line in y.lines(circuit).items()}
    for net, contact in column_lines(circuit, x).items():
        lines[net] = "x", contact.middle / 1e3
    return metrics, Picture(outlines(cell, process), lines)
