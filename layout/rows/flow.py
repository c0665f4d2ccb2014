"""From a subcircuit of a design to a checked drawing: rules, circuit, area beside its estimate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gaincell.layout.arrays.flow import Picture
from gaincell.layout.arrays.outlines import outlines
from gaincell.layout.checks import violations
from gaincell.layout.deck import DeckResult, find_deck, run_deck
from gaincell.layout.klayout import save
from gaincell.layout.process import Process
from gaincell.layout.results import write_metrics
from gaincell.layout.rows.devices import subcircuit
from gaincell.layout.rows.draw import draw_subcircuit
from gaincell.layout.rows.lvs import same_circuit
from gaincell.spice.area import areas
from gaincell.spice.design import Design

GDS, PICTURE, DECK = "part.gds", "part.png", "deck.xml"

MOST_NAMES = 12
"""Lines beside which a picture has room for their names."""


@dataclass(frozen=True)
class PartMetrics:
    """What was drawn and found; metrics.json holds the same.

    um : width and height
    estimate_um2 : both ends of the design's estimate; None: it has none of this part
    violations : how often each broken rule is broken
    deck : what the official deck found; None: it was not run
    same_circuit : whether the drawing's circuit is the design's
    """

    design: str
    process: str
    part: str
    transistors: int
    capacitors_f: float
    um: tuple[float, float]
    um2: float
    estimate_um2: tuple[float, float] | None
    rules: int
    violations: dict[str, int]
    deck: DeckResult | None
    same_circuit: bool


def lay_out_part(
    design: Design, process: Process, name: str, folder: Path
) -> tuple[PartMetrics, Picture]:
    """Draw and check a subcircuit; ``folder`` gets the GDS and the metrics.

    Raises
    ------
    ValueError
        The subcircuit cannot be drawn in this process, or the official deck fails.
    Unable
        KLayout is not installed.
    """
    circuit = subcircuit(design, process, name)
    drawn = draw_subcircuit(name, circuit, process)
    save(drawn.layout, folder / GDS)
    deck = find_deck(process.name)
    estimate = (areas(design) or {}).get(name)
    metrics = PartMetrics(
        design=design.name,
        process=process.name,
        part=name,
        transistors=len(circuit.devices),
        capacitors_f=sum(each.farads for each in circuit.capacitors),
        um=(drawn.width / 1e3, drawn.height / 1e3),
        um2=round(drawn.um2, 2),
        estimate_um2=(estimate["low_um2"], estimate["high_um2"]) if estimate else None,
        rules=len(process.rules),
        violations=violations(drawn.cell, process),
        deck=run_deck(deck, folder / GDS, name, folder / DECK) if deck else None,
        same_circuit=same_circuit(drawn.cell, process, circuit),
    )
    write_metrics(metrics, folder)
    few = len(drawn.lines) <= MOST_NAMES
    lines = {net: ("y", line.middle / 1e3) for net, line in drawn.lines.items() if few}
    return metrics, Picture(outlines(drawn.cell, process), lines)
