"""Characterises a design with the wires of its drawings, beside the same without them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from gaincell.design_file import SHIPPED
from gaincell.layout.parasitics.cell import CellWires
from gaincell.layout.parasitics.put_back import Drawn, with_wires
from gaincell.layout.parasitics.table import before_and_after
from gaincell.layout.process import load_process, processes
from gaincell.spice.characterise import Effort, characterise
from gaincell.spice.design import Design


def drawn_design(design: Design) -> Drawn:
    """A design with its wires, in the process of its node.

    Raises
    ------
    ValueError
        No process has its node, or something of it cannot be drawn or is another circuit.
    Unable
        KLayout is not installed.
    """
    known = {load_process(name).node_nm: name for name in processes()}
    if design.levels.node_nm not in known:
        named = " or ".join(f"{name} at {node:g} nm" for node, name in known.items())
        raise ValueError(
            f"design {design.name} is at {design.levels.node_nm:g} nm, but only {named} is drawn"
        )
    return with_wires(design, load_process(known[design.levels.node_nm]))


def characterise_drawn(
    design: Design, drawn: Drawn, effort: Effort, seed: int, say: Callable[[str], None]
) -> tuple[dict[str, Any], str]:
    """The record with wires, and the table of before and after.

    What is shipped of the same netlist, seed and effort is not simulated again.
    """
    before = _shipped(design, effort, seed)
    if before is None:
        say("before layout:")
        before = characterise(design, effort, seed, say)
    say("after layout:")
    after = characterise(drawn.design, effort, seed, say)
    after["layout"] = {
        "keys": _plain(drawn.keys),
        "values": _plain(drawn.values),
        "parts_f": drawn.parts,
    }
    return after, before_and_after(design, drawn, before, after)


def _shipped(design: Design, effort: Effort, seed: int) -> dict[str, Any] | None:
    file = SHIPPED / f"{design.name}.json"
    if effort != Effort() or not file.is_file():
        return None
    record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    same = record["design"]["sha256"] == design.sha256 and record["made"]["seed"] == seed
    return record if same else None


def _plain(wires: CellWires) -> dict[str, Any]:
    """What JSON can hold: pairs of nets become one word and another."""
    pairs = {
        name: {" ".join(pair): farads for pair, farads in getattr(wires, name).items()}
        for name in ("inside_f", "outside_f")
    }
    return {"total_f": wires.total_f, **pairs, "ohm": wires.ohm}
