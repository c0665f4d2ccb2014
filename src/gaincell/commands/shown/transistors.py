"""Tables of the analog half in transistors: every part at the design's node, and the paper's."""

from collections.abc import Sequence

from gaincell.synth.estimate.scaling import TARGET_NM, Band
from gaincell.synth.estimate.system import Estimate
from gaincell.synth.estimate.transistors import Transistors
from gaincell.text import grid


def transistor_tables(designs: Sequence[Transistors], estimate: Estimate) -> list[str]:
    """Three tables: energies and areas by part, and what they come to beside the paper's."""
    nodes = [f"{each.node_nm:g} nm, {each.voltage_v:g} V" for each in designs]
    heads = [["", *(each.name for each in designs)], ["", *nodes]]
    energies = {part: [each.parts_j.get(part) for each in designs] for part in designs[0].parts_j}
    energy_rows = [[part, *(_shown(band, 1e12) for band in row)] for part, row in energies.items()]
    areas = {part: [each.areas_um2.get(part) for each in designs] for part in designs[0].areas_um2}
    area_rows = [[part, *(_shown(band, 1) for band in row)] for part, row in areas.items()]
    rows = [{row.name: row for row in each.rows(estimate)} for each in designs]
    names = list(dict.fromkeys(name for each in rows for name in each))
    compared = [["", "", "paper", *(each.name for each in designs)]]
    for name in names:
        first = next(each[name] for each in rows if name in each)
        ours = [f"{each[name].ours}" if name in each else "-" for each in rows]
        compared.append([name, first.unit, f"{first.paper:g}", *ours])
    title = "Analog half in transistors, not scaled:"
    return [
        f"{title} pJ per token, simulated\n{grid(heads + energy_rows)}",
        f"{title} um2, estimated\n{grid(heads + area_rows)}",
        f"One head with it at {TARGET_NM:g} nm, from constant-field scaling to none\n"
        f"{grid(compared)}",
    ]


def _shown(band: Band | None, factor: float) -> str:
    if band is None:
        return "not simulated"
    low, high = (f"{end * factor:.4g}" for end in (band.low, band.high))
    return low if low == high else f"{low}..{high}"
