"""Draws the held-out losses of several models over their training steps."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gaincell.pictures import style

HEIGHT_IN = 4.6
HEADROOM = 0.6
"""Room above the highest last loss in the second panel, in spans of the last losses."""
LOOKS: dict[str, tuple[str, str, float]] = {
    "stock": (style.MUTED, "-", 1.4),
    "softmax": (style.MUTED, ":", 1.4),
    "linear": (style.KEY, "-", 1.4),
    "adapted": (style.VALUE, "-", 1.8),
    "unadapted": (style.VALUE, "--", 1.2),
    "ranges": (style.QUERY, "--", 1.2),
    "ours": (style.NEGATIVE, "-", 1.8),
    "scratch": (style.SCORE, "-", 1.4),
}
"""Colour, dashes and width of each curve."""

Losses = tuple[Sequence[int], Sequence[float | None]]
"""Steps, and nats per token; None: not finite."""


def draw_learning(
    curves: Mapping[str, Losses], labels: Mapping[str, str], borders: tuple[int, int], output: Path
) -> None:
    """Draw losses in two panels: all of them, and the last ones enlarged.

    Parameters
    ----------
    curves : by names of ``LOOKS``, "stock" among them
    borders : steps at which the pre-training ends and the cell changes
    output : PNG or SVG, by its suffix

    Raises
    ------
    ValueError
        A name without a look, no curve "stock", no finite loss, or an output that cannot be
        written.
    """
    style.check_output(output)
    for name in curves:
        if name not in LOOKS:
            raise ValueError(f"curve {name} is unknown: name it one of {', '.join(LOOKS)}")
    if "stock" not in curves:
        raise ValueError("there is no curve stock, the yardstick of the others")
    if not any(loss is not None for _, losses in curves.values() for loss in losses):
        raise ValueError("no loss is finite: there is nothing to draw")
    style.draw(_Picture(curves, labels, borders).paint, HEIGHT_IN, output)


@dataclass(frozen=True)
class _Picture:
    curves: Mapping[str, Losses]
    labels: Mapping[str, str]
    borders: tuple[int, int]

    def paint(self, figure: Figure) -> None:
        """Fill ``figure``: all losses, the lower ones, and the names with the last losses."""
        whole = figure.add_axes((0.06, 0.12, 0.30, 0.78))
        near = figure.add_axes((0.42, 0.12, 0.34, 0.78))
        names = figure.add_axes((0.775, 0.12, 0.22, 0.78))
        last = max(steps[-1] for steps, _ in self.curves.values())
        self._losses(whole)
        whole.set_xlim(0, last)
        whole.set_title("all steps", fontsize=style.TITLE, color=style.INK, loc="left")
        whole.set_ylabel("held-out loss, nats per token", fontsize=style.SMALL, color=style.MUTED)
        self._losses(near)
        near.set_xlim(self.borders[0] - 0.02 * last, last)
        near.set_ylim(*self._near())
        near.set_title(
            "after the pre-training, larger", fontsize=style.TITLE, color=style.INK, loc="left"
        )
        self._names(names)

    def _losses(self, axes: Axes) -> None:
        for name, (steps, losses) in self.curves.items():
            colour, dashes, width = LOOKS[name]
            # A loss that is not finite leaves a gap.
            finite = [math.nan if loss is None else loss for loss in losses]
            axes.plot(steps, finite, color=colour, linestyle=dashes, linewidth=width)
        level = self._level()
        if level is not None:
            axes.axhline(level, color=style.MUTED, linewidth=0.9, linestyle="--")
        for border in self.borders:
            axes.axvline(border, color=style.RULE, linewidth=0.9, zorder=0)
        axes.set_xlabel(
            "training steps, the pre-training's included", fontsize=style.SMALL, color=style.MUTED
        )
        axes.tick_params(labelsize=style.SMALL, colors=style.MUTED, length=3)
        for side, spine in axes.spines.items():
            spine.set_color(style.RULE)
            spine.set_visible(side in ("left", "bottom"))

    def _level(self) -> float | None:
        return self.curves["stock"][1][-1]

    def _near(self) -> tuple[float, float]:
        """Limits around the last losses of all curves, with room above the highest."""
        ends = [losses[-1] for _, losses in self.curves.values() if losses[-1] is not None]
        low, high = min(ends), max(ends)
        height = max(high - low, 0.05)
        return low - 0.1 * height, high + HEADROOM * height

    def _names(self, axes: Axes) -> None:
        style.bare(axes)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        ends = {name: losses[-1] for name, (_, losses) in self.curves.items()}
        order = sorted(ends, key=lambda name: -np.inf if ends[name] is None else -(ends[name] or 0))
        axes.text(0, 1, "at the last step", fontsize=style.SMALL, color=style.MUTED, va="top")
        for place, name in enumerate(order):
            colour, dashes, width = LOOKS[name]
            y = 0.90 - 0.085 * place
            axes.plot([0, 0.13], [y, y], color=colour, linestyle=dashes, linewidth=width)
            end = ends[name]
            value = "infinite" if end is None else f"{end:.2f}"
            axes.text(0.17, y, value, fontsize=style.SMALL, color=style.INK, va="center")
            axes.text(
                0.31, y, self.labels[name], fontsize=style.SMALL, color=style.INK, va="center"
            )
        y = 0.90 - 0.085 * len(order) - 0.03
        axes.plot([0, 0.13], [y, y], color=style.MUTED, linestyle="--", linewidth=0.9)
        axes.text(
            0.17,
            y,
            "softmax, pre-trained only",
            fontsize=style.SMALL,
            color=style.MUTED,
            va="center",
        )
        y -= 0.085
        axes.plot([0.065, 0.065], [y - 0.03, y + 0.03], color=style.RULE, linewidth=0.9)
        axes.text(
            0.17,
            y,
            "pre-training ends; cell changes",
            fontsize=style.SMALL,
            color=style.MUTED,
            va="center",
        )
