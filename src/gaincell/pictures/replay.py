"""Draws a replay: wires, bit lines, pulses and samples of one read, and the codes of all reads."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gaincell.pictures import style

HEIGHT_IN = 11.0
NANO = 1e9
READINGS = {
    "sampled": ("sampled by the readout", style.KEY),
    "by_length": ("by the pulse's length", style.VALUE),
}


def draw_replay(report: Mapping[str, Any], output: Path) -> None:
    """Draw the report of ``gaincell replay`` to a PNG or SVG.

    Raises
    ------
    ValueError
        An output that cannot be written.
    """

    def paint(figure: Figure) -> None:
        grid = figure.add_gridspec(4, 2, height_ratios=[2.2, 1.3, 1.3, 2.0])
        wires = figure.add_subplot(grid[0, :])
        lines = figure.add_subplot(grid[1, :], sharex=wires)
        pulses = figure.add_subplot(grid[2, :], sharex=wires)
        below = figure.add_subplot(grid[3, 0]), figure.add_subplot(grid[3, 1])
        for axes in (wires, lines, pulses, *below):
            axes.tick_params(labelsize=style.SMALL)
        example = report["example"]
        _wires(wires, example)
        _lines(lines, example)
        _pulses(pulses, example)
        _errors(below[0], report)
        _codes(below[1], report)
        figure.suptitle(
            f"{report['design']['name']}: transistors on the wires of the Verilog, "
            f"{report['queries']} queries",
            fontsize=style.TITLE,
        )
        figure.tight_layout()

    style.draw(paint, HEIGHT_IN, output)


def _wires(axes: Axes, example: Mapping[str, Any]) -> None:
    names = list(example["wires"])
    for row, name in enumerate(names):
        base = len(names) - 1 - row
        colour = style.QUERY if name.startswith("query") else style.INK
        for begin, end in example["wires"][name]:
            axes.fill_between([begin * NANO, end * NANO], base, base + 0.75, color=colour, lw=0)
        axes.axhline(base, color=style.RULE, linewidth=0.6)
    axes.set_yticks([place + 0.35 for place in range(len(names))], names[::-1])
    place = f"sub-tile {example['tile']}, dimension {example['dimension']}"
    axes.set_title(
        f"wires of the control in query {example['read']}; score column {example['slot']}, {place}",
        fontsize=style.TEXT,
        loc="left",
    )


def _lines(axes: Axes, example: Mapping[str, Any]) -> None:
    time = np.array(example["time_s"]) * NANO
    axes.plot(time, example["score"]["bl"], color=style.SCORE, label="bit line of the score column")
    axes.plot(time, example["output"]["bl"], color=style.VALUE, label="output line")
    axes.set_ylabel("V", fontsize=style.SMALL)
    _legend_beside(axes)


def _pulses(axes: Axes, example: Mapping[str, Any]) -> None:
    time = np.array(example["time_s"]) * NANO
    axes.plot(time, example["score"]["pulse"], color=style.SCORE, label="phi pulse")
    axes.plot(time, example["output"]["pulse"], color=style.VALUE, label="output pulse")
    axes.plot(time, example["output"]["sign"], color=style.MUTED, lw=0.8, label="sign")
    at = np.array(example["samples_s"]) * NANO
    label = f"samples: code {example['codes']['sampled']}"
    axes.plot(at, np.full(len(at), 1.05), "v", color=READINGS["sampled"][1], ms=3, label=label)
    axes.set_ylabel("V", fontsize=style.SMALL)
    axes.set_xlabel(
        f"time from the query pulses, ns; code of the arrays: {example['codes']['arrays']}",
        fontsize=style.SMALL,
    )
    _legend_beside(axes)


def _legend_beside(axes: Axes) -> None:
    """Waves fill the axes, so what they are stands beside them."""
    axes.legend(fontsize=style.SMALL, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _errors(axes: Axes, report: Mapping[str, Any]) -> None:
    width = 0.8 / len(READINGS)
    for place, (name, (label, colour)) in enumerate(READINGS.items()):
        found = report["codes"][name]["arrays"]
        errors = np.array([int(error) for error in found["histogram"]])
        counts = 100 * np.array(list(found["histogram"].values())) / found["codes"]
        label = f"{label}: {found['within_one']:.1%} within 1"
        axes.bar(errors + (place - 0.5) * width, counts, width, color=colour, label=label)
    axes.set_ylim(top=1.35 * axes.get_ylim()[1])  # room for the legend
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(fontsize=style.SMALL, frameon=False, loc="upper left")
    axes.set_title("errors of codes, transistors less arrays", fontsize=style.TEXT, loc="left")
    axes.set_ylabel("% of codes", fontsize=style.SMALL)


def _codes(axes: Axes, report: Mapping[str, Any]) -> None:
    table = report["tables"]["codes"]
    wanted = np.array(table["arrays"]).ravel()
    largest = max(1, int(np.abs(wanted).max()))
    axes.plot([-largest, largest], [-largest, largest], color=style.RULE, linewidth=0.8)
    for shift, (name, (label, colour)) in zip((-0.1, 0.1), READINGS.items(), strict=True):
        axes.plot(
            wanted + shift, np.array(table[name]).ravel(), ".", color=colour, ms=3, label=label
        )
    axes.set_title("codes of the transistors", fontsize=style.TEXT, loc="left")
    axes.set_xlabel("code of the arrays", fontsize=style.SMALL)
