"""Draws a characterised design: response, retention, mismatch, converters and waves."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gaincell.pictures import style

HEIGHT_IN = 9.0
NANO = 1e9
LEGEND_ROOM = 0.6
"""Of a logarithmic axis below the least value, over the part above it."""


def draw_design(record: Mapping[str, Any], output: Path) -> None:
    """Draw what a record of ``gaincell characterise`` holds; a missing part says so.

    Parameters
    ----------
    output : PNG or SVG, by its suffix

    Raises
    ------
    ValueError
        An output that cannot be written.
    """

    def paint(figure: Figure) -> None:
        grid = figure.subplots(3, 2)
        for axes, (draw, part) in zip(grid.flat, _panels(record), strict=True):
            axes.tick_params(labelsize=style.SMALL)
            if part:
                draw(axes, record)
            else:
                axes.text(0.5, 0.5, "not measured", ha="center", transform=axes.transAxes)
        origin = [record["design"]["models"], record["made"].get("ngspice")]
        told = ", ".join(each for each in origin if each)
        figure.suptitle(f"{record['design']['name']}: {told}", fontsize=style.TITLE)
        figure.tight_layout()

    style.draw(paint, HEIGHT_IN, output)


def _panels(record: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    stages = [each for each in (record["score"], record["output"]) if each]
    return [
        (_response, record["cell"]),
        (_residual, record["cell"]),
        (_retention, record["retention"]),
        (_mismatch, record["mismatch"]),
        (_transfer, stages),
        (_waves, record["score"] and record["score"]["example"]),
    ]


def _named(axes: Axes, title: str, x: str, y: str) -> None:
    axes.set_title(title, fontsize=style.TEXT, loc="left")
    axes.set_xlabel(x, fontsize=style.SMALL)
    axes.set_ylabel(y, fontsize=style.SMALL)


def _said(cell: Mapping[str, Any], volts: Any) -> Any:
    shifted = np.asarray(volts) - cell["center_v"]
    return np.polynomial.polynomial.polyval(shifted, cell["coefficients_fc"])


def _kind(record: Mapping[str, Any]) -> str:
    """How the points of a record came about."""
    return "simulated" if "ngspice" in record["made"] else "measured"


def _response(axes: Axes, record: Mapping[str, Any]) -> None:
    cell = record["cell"]
    volts = np.array(cell["voltages_v"])
    fine = np.linspace(volts[0], volts[-1], 200)
    degree = len(cell["coefficients_fc"]) - 1
    axes.axhline(0, color=style.RULE, linewidth=0.8)
    axes.plot(fine, _said(cell, fine), color=style.KEY, label=f"polynomial, degree {degree}")
    axes.plot(volts, cell["charge_fc"], "o", color=style.QUERY, markersize=3, label=_kind(record))
    axes.legend(fontsize=style.SMALL, frameon=False)
    _named(axes, "charge of a full pulse", "written voltage, V", "charge, fC")


def _residual(axes: Axes, record: Mapping[str, Any]) -> None:
    cell = record["cell"]
    left = np.array(cell["charge_fc"]) - _said(cell, cell["voltages_v"])
    axes.axhline(0, color=style.RULE, linewidth=0.8)
    axes.plot(cell["voltages_v"], 100 * left / cell["full_scale_fc"], "o-", color=style.KEY, ms=3)
    _named(axes, "what the polynomial leaves", "written voltage, V", "% of full scale")


def _retention(axes: Axes, record: Mapping[str, Any]) -> None:
    held, levels = record["retention"], record["levels"]
    codes = len(held["table"][0]["half_step_s"])
    volts = np.linspace(levels["lowest_v"], levels["full_scale_v"], codes)
    seen = set()
    for row in held["table"]:
        off = row["write_line_v"]
        kind = (row["temperature_c"], off)
        if kind in seen:
            continue
        seen.add(kind)
        times = [np.nan if t is None else t for t in row["half_step_s"]]
        colour = style.KEY if row["temperature_c"] < 50 else style.NEGATIVE
        mark = "o-" if off == levels["write_off_v"] else "^:"
        label = f"{row['temperature_c']:g} C, write line {off:+.1f} V"
        axes.semilogy(volts, times, mark, color=colour, markersize=3, label=label)
    shortest, (_, high) = held["half_step_s"], axes.get_ylim()
    axes.axhline(
        shortest, color=style.MUTED, linewidth=0.8, linestyle="--", label="shortest of all"
    )
    axes.set_ylim(shortest * (shortest / high) ** LEGEND_ROOM, high)
    axes.legend(fontsize=style.SMALL, frameon=False, loc="lower center", ncols=2)
    _named(axes, "time to lose half a step", "written voltage, V", "s")


def _mismatch(axes: Axes, record: Mapping[str, Any]) -> None:
    spread, full = record["mismatch"], record["cell"]["full_scale_fc"]
    charge = np.array(spread["charge_fc"])
    for code, column in enumerate(charge.T):
        axes.plot(np.full(len(column), code), 100 * (column - column.mean()) / full, "_")
    axes.plot(100 * np.array(spread["sigma_fc"]) / full, "k-", linewidth=1, label="sigma")
    axes.legend(fontsize=style.SMALL, frameon=False)
    title = f"mismatch of {spread['cells']} cells ({spread['source']})"
    coded = charge.shape[1] == 1 << record["levels"]["code_bits"]
    _named(axes, title, "code" if coded else "stored voltage, in order", "% of full scale")


def _transfer(axes: Axes, record: Mapping[str, Any]) -> None:
    axes.axhline(0, color=style.RULE, linewidth=0.8)
    for name, colour in (("score", style.SCORE), ("output", style.VALUE)):
        stage = record[name]
        if not stage:
            continue
        charge = np.array(stage["charge_fc"])
        fine = np.linspace(charge.min(), charge.max(), 400)
        axes.plot(fine, _line(stage, fine) * NANO, color=colour, linewidth=1)
        pulse = np.array(stage["pulse_s"]) * NANO
        axes.plot(charge, pulse, ".", color=colour, label=f"{name} converter")
        if columns := stage["columns"]:
            seen = np.array(columns["simulated_s"]) * NANO
            axes.plot(columns["charge_fc"], seen, "x", color=colour, label="random columns")
    axes.legend(fontsize=style.SMALL, frameon=False)
    _named(axes, "charge to pulse", "charge, fC", "pulse, ns")


def _line(stage: Mapping[str, Any], charge: Any) -> Any:
    """Pulses by the fitted lines, clipped as the converter clips."""
    up, down = stage["lines"]["positive"], stage["lines"]["negative"]
    lifted = np.clip(up["offset_s"] + up["slope_s_per_fc"] * charge, 0, stage["full_s"])
    if not down:
        return lifted
    lowered = np.clip(down["offset_s"] + down["slope_s_per_fc"] * charge, -stage["full_s"], 0)
    return np.where(charge >= 0, lifted, lowered)


def _waves(axes: Axes, record: Mapping[str, Any]) -> None:
    example = record["score"]["example"]
    time = np.array(example["time_s"]) * NANO
    axes.plot(time, example["bl_v"], color=style.KEY, label="bit line")
    axes.plot(time, example["pulse_v"], color=style.SCORE, label="pulse")
    axes.legend(fontsize=style.SMALL, frameon=False)
    _named(axes, "one column in one token", "time from the first query pulse, ns", "V")
