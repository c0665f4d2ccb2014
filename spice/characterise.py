"""Characterises a design: every simulation that it can have, and a record of all results."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from gaincell.spice.area import areas
from gaincell.spice.derived import derived
from gaincell.spice.design import Design
from gaincell.spice.fit import NoFit
from gaincell.spice.measure.check import check, even_shares
from gaincell.spice.measure.converter_spread import jitter_s
from gaincell.spice.measure.converters import POINTS, transfer
from gaincell.spice.measure.times import OUTPUT, SCORE
from gaincell.spice.ngspice import NoResult, ngspice_version
from gaincell.spice.record.drives import dac, line_driver
from gaincell.spice.record.errors import corners, mismatch, noise, write_errors
from gaincell.spice.record.response import response
from gaincell.spice.record.retained import leaks, retention
from gaincell.spice.record.stages import (
    checked,
    energy,
    example,
    full_pulse_c,
    spread_of,
    transfer_of,
)
from gaincell.versions import versions

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is simulated.

    between : stored voltages of the response from one code to the next
    widths : pulse widths of the response, in clocks
    cells : cells of the Monte Carlo
    points : charges of a converter's transfer, fraction of a full pulse's
    columns : random columns of each stage
    corners : whether other corners are simulated
    converters : converters of the Monte Carlo of each stage
    drives : whether DACs and drivers of word lines are simulated
    """

    between: int = 2
    widths: tuple[int, ...] = (1, 4, 6, 10, 12, 15)
    cells: int = 24
    points: tuple[float, ...] = POINTS
    columns: int = 30
    corners: bool = True
    converters: int = 8
    drives: bool = True


SHORT = Effort(
    widths=(1, 8, 15),
    cells=4,
    points=(0.05, 0.3, 0.8),
    columns=4,
    corners=False,
    converters=2,
    drives=False,
)


def characterise(
    design: Design,
    effort: Effort,
    seed: int,
    say: Callable[[str], None] = lambda step: None,
) -> dict[str, Any]:
    """The record of a design, as docs/do/characterise.md describes it; plain JSON.

    What cannot be measured or does not fit is no number but a sentence in ``reports``. Only
    without the response of the cell there is no record.

    Raises
    ------
    NoResult, NoFit
        The response of the cell cannot be simulated, or does not fit a polynomial.
    ValueError
        Models are missing.
    """
    begin, begin_cpu = time.monotonic(), _cpu_s()
    rng = np.random.default_rng(seed)
    reports: list[str] = []

    def step(name: str, measure: Callable[[], Any]) -> Any:
        say(f"{name} ...")
        try:
            return measure()
        except (NoResult, NoFit) as error:
            reports.append(f"{name}: {error}")
            return None

    levels = design.levels
    say("response ...")
    fitted, cell = response(design, effort.between, effort.widths)
    leaking = step("retention", lambda: leaks(design))
    record: dict[str, Any] = {
        "format": FORMAT,
        "design": _origin(design),
        "levels": {name: getattr(levels, name) for name in levels.__dataclass_fields__},
        "sizes": dict(design.sizes),
        "cell": cell,
        "retention": leaking and retention(design, leaking),
        "write": step("writes", lambda: write_errors(design)),
        "noise": step("noise", lambda: noise(design, leaking)),
        "mismatch": step("mismatch", lambda: mismatch(design, effort.cells, rng)),
        "corners": step("corners", lambda: corners(design)) if effort.corners else None,
        "score": None,
        "output": None,
    }
    for name, kind, signed in (("score", SCORE, False), ("output", OUTPUT, True)):
        if not design.netlist.has(kind):
            reports.append(f"{name} converter: the netlist has no {kind}")
            continue
        begin_c = full_pulse_c(design, fitted, signed=signed)
        measure = partial(
            transfer, design, fitted, signed=signed, guess_c=begin_c, points=effort.points
        )
        if (stage := step(f"{name} converter", measure)) is None:
            continue
        shares = even_shares(effort.columns, signed=signed)
        test = partial(check, design, fitted, stage, signed=signed, shares=shares, rng=rng)
        tested = step(f"{name} columns", test)
        spread = partial(
            spread_of, design, stage, signed=signed, converters=effort.converters, rng=rng
        )
        record[name] = {
            **transfer_of(stage),
            "columns": tested and checked(tested, stage),
            "energy": tested and energy(design, tested, stage),
            "spread": step(f"{name} converters that differ", spread),
            "jitter_s": jitter_s(design, stage, signed=signed),
            "example": tested and example(tested),
        }
    record["line_driver"] = record["dac"] = None
    if effort.drives:
        record["line_driver"] = step("line driver", lambda: line_driver(design))
        record["dac"] = step("DACs", lambda: dac(design, rng))
    record["area"] = step("area", lambda: areas(design))
    record["reports"] = reports
    record["derived"] = derived(record)
    record["made"] = {
        **versions("numpy"),
        "ngspice": ngspice_version(),
        "seed": seed,
        "seconds": round(time.monotonic() - begin, 1),
        "cpu_seconds": round(_cpu_s() - begin_cpu, 1),
    }
    return record


def _cpu_s() -> float:
    """Processor time (s) of this process and of the programs that it ran."""
    parts = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(part.ru_utime + part.ru_stime for part in parts)


def _origin(design: Design) -> dict[str, Any]:
    names = [name for name in ("cell", SCORE, OUTPUT) if design.netlist.has(name)]
    return {
        "name": design.name,
        "about": design.levels.about,
        "sha256": design.sha256,
        "models": design.models.source,
        "models_sha256": design.models.sha256,
        "transistors": {name: design.netlist.transistors(name) for name in names},
    }
