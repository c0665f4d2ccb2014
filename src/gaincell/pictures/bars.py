"""Draws bars: energy by part beside the paper's, time and energy beside GPUs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gaincell.pictures import style
from gaincell.text import si

MARKS = {
    "measured": style.VALUE,
    "simulated": style.KEY,
    "estimated": style.SCORE,
    "published": style.MUTED,
}
"""Colours of figures by their origin."""


@dataclass(frozen=True)
class Bar:
    """Attention of one token on one machine: a name, and a value with a mark for each quantity.

    time_s, energy_j : None where nobody has the figure
    """

    name: str
    time_s: float | None
    time_mark: str
    energy_j: float | None
    energy_mark: str


def draw_energy(
    ours_pj: Mapping[str, tuple[float, float]], paper_pj: Mapping[str, float], output: Path
) -> None:
    """Draw the energy per token of each part: both ends of ours, and the paper's.

    Parameters
    ----------
    ours_pj : low and high end of each part
    paper_pj : by the same names

    Raises
    ------
    ValueError
        Other parts on one side than on the other, or an output that cannot be written.
    """
    style.check_output(output)
    if set(ours_pj) != set(paper_pj):
        raise ValueError(f"ours has the parts {list(ours_pj)}, the paper {list(paper_pj)}")

    def paint(figure: Figure) -> None:
        axes = figure.add_axes((0.2, 0.16, 0.76, 0.74))
        places = np.arange(len(ours_pj))[::-1]
        for place, (name, (low, high)) in zip(places, ours_pj.items(), strict=True):
            axes.barh(place + 0.2, high, 0.36, color=style.tint(style.SCORE, 0.35))
            axes.barh(place + 0.2, low, 0.36, color=style.SCORE)
            axes.barh(place - 0.2, paper_pj[name], 0.36, color=style.MUTED)
            ends = f"{low:.0f}" if round(low) == round(high) else f"{low:.0f}..{high:.0f}"
            for y, value, text in (
                (place + 0.2, high, f"ours {ends} pJ"),
                (place - 0.2, paper_pj[name], f"paper {paper_pj[name]:.0f} pJ"),
            ):
                axes.annotate(
                    text, (value, y), (4, 0), textcoords="offset points", va="center",
                    fontsize=style.SMALL, color=style.INK,
                )  # fmt: skip
        axes.set_yticks(places, list(ours_pj))
        axes.set_xlim(0, 1.25 * max([*paper_pj.values(), *(high for _, high in ours_pj.values())]))
        axes.set_xlabel("energy per token and head, pJ", fontsize=style.TEXT, color=style.INK)
        _tidy(axes)

    style.draw(paint, 3.2, output)


def draw_machines(bars: Sequence[Bar], output: Path) -> None:
    """Draw time and energy per token of several machines on logarithmic scales.

    Raises
    ------
    ValueError
        No bars, an unknown mark, or an output that cannot be written.
    """
    style.check_output(output)
    if not bars:
        raise ValueError("there is no machine to draw")
    for bar in bars:
        for mark in (bar.time_mark, bar.energy_mark):
            if mark not in MARKS:
                raise ValueError(f"mark {mark} is unknown: name it one of {', '.join(MARKS)}")

    def paint(figure: Figure) -> None:
        time = figure.add_axes((0.27, 0.2, 0.33, 0.66))
        energy = figure.add_axes((0.65, 0.2, 0.33, 0.66))
        places = np.arange(len(bars))[::-1]
        _log_bars(time, places, [bar.time_s for bar in bars], [b.time_mark for b in bars], "s")
        _log_bars(energy, places, [b.energy_j for b in bars], [b.energy_mark for b in bars], "J")
        time.set_yticks(places, [bar.name for bar in bars])
        energy.set_yticks(places, ["" for _ in bars])
        time.set_title("time per token, s", fontsize=style.TITLE, color=style.INK, loc="left")
        energy.set_title("energy per token, J", fontsize=style.TITLE, color=style.INK, loc="left")
        used = {mark for bar in bars for mark in (bar.time_mark, bar.energy_mark)}
        shown = [mark for mark in MARKS if mark in used]
        for index, mark in enumerate(shown):
            figure.text(
                0.27 + 0.14 * index, 0.03, f"■ {mark}", color=MARKS[mark], fontsize=style.TEXT
            )

    style.draw(paint, 0.9 + 0.38 * len(bars), output)


def _log_bars(
    axes: Axes,
    places: np.ndarray,
    values: Sequence[float | None],
    marks: Sequence[str],
    unit: str,
) -> None:
    known = [value for value in values if value is not None]
    axes.set_xscale("log")
    low = min(known, default=1.0) / 4
    for place, value, mark in zip(places, values, marks, strict=True):
        if value is not None:
            axes.barh(place, value - low, 0.62, left=low, color=MARKS[mark])
        axes.annotate(
            "no figure" if value is None else in_units(value, unit),
            (low if value is None else value, place),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize=style.SMALL,
            color=style.MUTED if value is None else style.INK,
        )
    axes.set_xlim(low, max(known, default=1.0) * 60)
    axes.set_ylim(-0.6, len(places) - 0.4)
    _tidy(axes)


def in_units(value: float, unit: str) -> str:
    """A value with three digits and a prefix that suits it: 59 ns."""
    return f"{value:.3g} {unit}" if value < 1e-12 else si(value, unit, digits=3, micro="µ")


def _tidy(axes: Axes) -> None:
    axes.tick_params(labelsize=style.SMALL, colors=style.INK, length=3)
    for side, spine in axes.spines.items():
        spine.set_color(style.RULE)
        spine.set_visible(side in ("left", "bottom"))
