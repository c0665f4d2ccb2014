"""Builds the text of a deck, source by source and cell by cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gaincell.spice.design import Design
from gaincell.spice.ngspice import Deck

EDGE_S = 50e-12
"""Rise and fall of every wire that the control drives, s."""
STEP = 0.05
"""Longest step of a transient, in clocks."""
EXACT = "gmin=1e-15 abstol=1e-15 chgtol=1e-18 reltol=1e-3 method=gear"
"""Options of a transient; sky130's models find no step with smaller tolerances at fast edges."""
FOREVER_S = 1.0
DIGITS = 12
"""Of the time of an edge, s: ngspice finds no step between edges that lie femtoseconds apart."""


class DeckText:
    """The lines of a deck of one design; devices and sources are added, then ``deck`` ends it.

    Parameters
    ----------
    rng : gives ``copy`` its thresholds; and the corner of the design's local statistics, if any
    """

    def __init__(
        self,
        design: Design,
        *,
        rng: np.random.Generator | None = None,
        options: str = EXACT,
    ) -> None:
        self.design = design
        self._rng = rng
        levels = design.levels
        local = levels.mismatch_corner if rng is not None else None
        chosen = design.models if local is None else design.models_of(local)
        seed = f" seed={rng.integers(1, 1 << 30)}" if rng is not None else ""
        # a_vt: from mV um to V times the netlist's unit of length
        a_vt = levels.a_vt_mv_um * 1e-9 / levels.unit_m
        sizes = [f"{name}={value:.6g}" for name, value in {**design.sizes, "a_vt": a_vt}.items()]
        self._shifts = rng is not None and local is None
        self._lines = [
            f"* {design.name}",
            chosen.lines,
            f".options {options} noacct temp={levels.temperature_c:g}{seed}",
            f".param {' '.join(sizes)}",
            design.netlist.text(levels.diffusion),
        ]
        self._saved: list[str] = []

    def copy(self, name: str, number: int) -> str:
        """Name of a copy of a subcircuit with thresholds of its own; without ``rng`` of itself.

        With local statistics in the models every instance has its own, so equal copies differ.
        """
        if not self._shifts or self._rng is None:
            return name
        diffusion = self.design.levels.diffusion
        self.add(self.design.netlist.varied(name, str(number), diffusion, self._rng))
        return f"{name}_{number}"

    def add(self, *lines: str) -> None:
        """Lines as they are."""
        self._lines += lines

    def save(self, *names: str) -> None:
        """Waves that the result shall hold, such as "v(bl)"."""
        self._saved += names

    def source(self, name: str, node: str, points: float | Sequence[tuple[float, float]]) -> None:
        """A voltage source ``v<name>`` against ground: constant, or of (time, voltage) corners."""
        if isinstance(points, int | float):
            self.add(f"v{name} {node} 0 {points:.6g}")
            return
        corners = " ".join(f"{time:.10g} {volts:.6g}" for time, volts in points)
        self.add(f"v{name} {node} 0 pwl({corners} {FOREVER_S:g} {points[-1][1]:.6g})")

    def wire(
        self, name: str, rest: float, active: float, pulses: Sequence[tuple[float, float]]
    ) -> None:
        """A source of node ``name`` that leaves its rest in pulses, given by begin and end, s.

        Its edges begin at both their ends. A pulse without length is none.
        """
        points = [(0.0, rest)]
        for begin_s, end_s in ((round(begin, DIGITS), round(end, DIGITS)) for begin, end in pulses):
            if end_s > begin_s:
                points += [(begin_s, rest), (begin_s + EDGE_S, active)]
                points += [(end_s, active), (end_s + EDGE_S, rest)]
        self.source(name, name, [*points[:1], *(each for each in points[1:] if each[0] > 0)])

    def pair(
        self, name: str, complement: str, volts: float, pulses: Sequence[tuple[float, float]]
    ) -> None:
        """A wire that is at ``volts`` in pulses, else at 0, and its complement."""
        self.wire(name, 0, volts, pulses)
        self.wire(complement, volts, 0, pulses)

    def transient(self, what: str, stop_s: float, step_s: float | None = None) -> Deck:
        """The finished deck of a transient with steps of at most ``step_s``, or ``STEP`` clocks."""
        step_s = STEP * self.design.levels.clock_s if step_s is None else step_s
        return self._finished(f".tran {step_s:.4g} {stop_s:.6g} 0 {step_s:.4g}", what, stop_s)

    def analysis(self, line: str, what: str, plots: int = 1) -> Deck:
        """The finished deck of any other analysis, which gives ``plots`` results."""
        return self._finished(line, what, None, plots)

    def _finished(self, line: str, what: str, stop_s: float | None, plots: int = 1) -> Deck:
        saved = f".save {' '.join(self._saved)}"
        text = "\n".join([*self._lines, saved, line, ".end"]) + "\n"
        return Deck(text, what, stop_s, plots)
