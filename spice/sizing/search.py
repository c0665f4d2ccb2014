"""Tries sizes one group after the other, and keeps the best value of each."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gaincell.spice.design import Design
from gaincell.spice.fit import NoFit, Polynomial
from gaincell.spice.ngspice import NoResult
from gaincell.spice.sizing.figures import cell_figures, centred, figures
from gaincell.spice.sizing.goals import CellFigures, Figures, Goals
from gaincell.tables import nearest


@dataclass(frozen=True)
class Axis:
    """Sizes that change together.

    factors : of each of ``names``, against the design's own
    """

    names: tuple[str, ...]
    factors: tuple[float, ...]

    @classmethod
    def of(cls, text: str, design: Design) -> Axis:
        """From a text such as "l_read=2,3" or "w_ramp,l_ramp=x0.5,x2": values, or factors.

        Raises
        ------
        ValueError
            It is of another form, or names a size that the design does not have.
        """
        left, _, right = text.partition("=")
        names = tuple(name.strip() for name in left.split(","))
        for name in names:
            if name not in design.sizes:
                near = nearest(name, design.sizes)
                raise ValueError(f'design {design.name} has no size "{name}"{near}')
        try:
            factors = tuple(_factor(each, names, design) for each in right.split(","))
        except ValueError:
            raise ValueError(
                f'"{text}" must be sizes, "=", and positive values for one size or factors such '
                "as x2 for all of them"
            ) from None
        return cls(names, factors)

    def sizes(self, design: Design, factor: float) -> dict[str, float]:
        """The sizes of ``design`` that a factor of its own gives."""
        return {name: design.sizes[name] * factor for name in self.names}


def _factor(text: str, names: Sequence[str], design: Design) -> float:
    text = text.strip()
    if text.startswith("x"):
        factor = float(text[1:])
    else:
        (only,) = names
        factor = float(text) / design.sizes[only]
    if not (math.isfinite(factor) and factor > 0):
        raise ValueError
    return factor


@dataclass(frozen=True)
class Tried:
    """One set of sizes.

    changed : sizes that differ from the design's own
    figures : None where ``why`` says why there are none
    """

    design: Design
    changed: dict[str, float]
    figures: Figures | None
    why: str = ""

    def rank(self, goals: Goals) -> tuple[float, float]:
        """The less the better: by how much goals are missed, then energy."""
        if self.figures is None:
            return math.inf, math.inf
        missed = self.figures.missed(goals)
        return sum(factor - 1 for factor in missed.values()), self.figures.energy_j


def search(
    design: Design,
    axes: Sequence[Axis],
    goals: Goals,
    seed: int,
    say: Callable[[Tried], None] = lambda tried: None,
) -> tuple[list[Tried], Tried]:
    """All sizes that were tried, the design's own first, and the best of them.

    From the best so far each axis in turn is varied. So an earlier axis has the later ones'
    own sizes; a second search from the result tells whether it would now be chosen otherwise.
    """
    cells: dict[tuple[float, ...], tuple[Polynomial, CellFigures]] = {}
    own = _cell_sizes(design)

    def measure(candidate: Design) -> Tried:
        changed = {
            name: size for name, size in candidate.sizes.items() if size != design.sizes[name]
        }
        try:
            key = tuple(candidate.sizes[name] for name in own)
            if key not in cells:
                cells[key] = cell_figures(candidate, seed)
            found = Tried(candidate, changed, figures(candidate, *cells[key], seed))
        except (NoResult, NoFit) as error:
            found = Tried(candidate, changed, None, str(error))
        say(found)
        return found

    tried = [measure(design)]
    best = tried[0]
    for axis in axes:
        begin = best
        for factor in axis.factors:
            sizes = {**begin.design.sizes, **axis.sizes(design, factor)}
            if sizes == dict(begin.design.sizes):
                continue
            tried.append(measure(centred(replace(design, sizes=sizes))))
            best = min(best, tried[-1], key=lambda each: each.rank(goals))
    return tried, best


def _cell_sizes(design: Design) -> list[str]:
    """Names of the sizes that the cell's subcircuit uses."""
    text = "\n".join(design.netlist.bodies["cell"])
    return [name for name in design.sizes if re.search(rf"\b{name}\b", text)]
