"""What recent tokens and maps beside the arrays cost, over the number of recent tokens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gaincell.synth.estimate.arrays import sum_of
from gaincell.synth.estimate.beside import Beside
from gaincell.synth.estimate.scaling import Band
from gaincell.synth.estimate.system import Estimate
from gaincell.text import markdown

RECENT = (0, 4, 8, 16, 32, 64)
"""Recent tokens of the rows."""
DIGITAL = (32,)
"""Recent tokens of the models whose digital heads have a row."""


def recent_cost(
    estimate: Estimate, beside: Beside | None = None, recents: Iterable[int] = RECENT
) -> list[tuple[str, ...]]:
    """One row of ``HEADS`` for each number of recent tokens; all else as ``beside`` says.

    Ratios are of the high ends: what is beside over the head without it.
    """
    alone = estimate.system(1, 1)
    area_um2 = alone.area_mm2.times(1e6)
    rows: list[tuple[str, ...]] = []
    for recent in recents:
        each = replace(estimate, beside=replace(beside or Beside(), recent=recent))
        cost = each.cost_beside
        area, energy_j = sum_of(cost.area_um2.values()), sum_of(cost.energy_j.values())
        rows.append(
            (
                str(recent),
                str(cost.products),
                str(cost.mac_units),
                f"{cost.buffer_bits + cost.parameter_bits:.0f}",
                str(area),
                _ratio(area, area_um2),
                str(energy_j.times(1e12)),
                "" if alone.energy_j is None else _ratio(energy_j, alone.energy_j),
                f"{each.system(1, 1, beside=True).latency_s * 1e9:.4g}",
            )
        )
    return rows


HEADS = (
    "recent tokens",
    "products",
    "units",
    "bits kept",
    "um2",
    "over the head's",
    "pJ per token",
    "over the head's",
    "latency, ns",
)


def recent_tables(estimate: Estimate) -> str:
    """Markdown: recent tokens alone, with maps, with three heads on one buffer and on one array;
    a digital head.
    """
    kinds = {
        "alone": Beside(),
        "with maps": Beside(maps=True),
        "with maps, 3 heads on a buffer": Beside(maps=True, sharing=3),
        "with maps, 3 heads on an array": Beside(maps=True, sharing=3, shared=True),
    }
    alone = "\n\n".join(
        markdown((f"{HEADS[0]}, {name}", *HEADS[1:]), recent_cost(estimate, beside))
        for name, beside in kinds.items()
    )
    whole = [recent + estimate.config.window for recent in DIGITAL]
    digital = recent_cost(estimate, Beside(), whole)
    return f"{alone}\n\n{markdown((f'{HEADS[0]}, a digital head', *HEADS[1:]), digital)}"


def _ratio(part: Band, whole: Band) -> str:
    return f"{part.verdict / whole.verdict:.3g}"
