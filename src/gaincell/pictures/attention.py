"""Draws the scores and the outputs of one head over its tokens."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gaincell.behavioral.attention import attend_in_detail
from gaincell.behavioral.codes import Codes, check_sequence
from gaincell.behavioral.events import Events
from gaincell.config import HeadConfig
from gaincell.pictures import style

TOKENS_SHOWN = 384
"""Most tokens in the picture when no range is given: a third of them before the ring wraps."""
LARGEST_TABLE = 1 << 25
"""Most scores that are computed at once, 256 MiB."""
PIXELS = 460
HEIGHT_IN = 5.4


def draw_attention(
    q_code: Codes,
    k_code: Codes,
    v_code: Codes,
    config: HeadConfig,
    y_code: NDArray[np.integer],
    output: Path,
    *,
    tokens: range | None = None,
    first: NDArray[Any] | None = None,
    events: Events | None = None,
) -> None:
    """Draw scores phi over the slots of the window, and the outputs y, of some tokens.

    The scores come from the contract (``attend_in_detail``). The outputs are drawn as given, so
    that the outputs of a co-simulation can be shown.

    Parameters
    ----------
    q_code, k_code, v_code : (T, D) codes
    y_code : (T, D) outputs of the same tokens
    output : Path
        PNG or SVG, by its suffix.
    tokens : range, optional
        Tokens to show; by default at most ``TOKENS_SHOWN`` around the first wrap of the ring, or
        the last ones of a sequence that ends before it.
    first, events
        As for ``attend``.

    Raises
    ------
    TypeError, ValueError
        Codes, flags or events that ``attend`` refuses; outputs of another shape; tokens out of
        range; an output that cannot be written.
    """
    style.check_output(output)
    count, group = check_sequence(q_code, k_code, v_code, config)
    if group != 1:
        raise ValueError(f"q has {group} queries for each token, but one can be drawn")
    if np.shape(y_code) != np.shape(q_code):
        raise ValueError(f"y has shape {np.shape(y_code)}, but must be {np.shape(q_code)}")
    slots = config.slots
    shown = tokens_around_wrap(count, config.window) if tokens is None else tokens
    if not 0 <= shown.start < shown.stop <= count or shown.step != 1:
        raise ValueError(f"tokens is {shown}, but must be a range within 0..{count}")
    if shown.stop * slots > LARGEST_TABLE:
        raise ValueError(
            f"{shown.stop} tokens over {slots} slots are too many to draw: "
            f"choose tokens below {LARGEST_TABLE // slots}"
        )
    until = slice(shown.stop)
    detail = attend_in_detail(
        q_code[until],
        k_code[until],
        v_code[until],
        config,
        events,
        first=None if first is None else first[until],
    )
    phi = np.clip(detail.score[shown.start :], 0.0, 1.0)
    single = first is None or not np.any(first[1 : shown.stop])
    wrap = config.window if single else None
    picture = _Picture(phi, y_code[shown.start : shown.stop], shown, config, wrap)
    style.draw(picture.paint, HEIGHT_IN, output)


def tokens_around_wrap(count: int, window: int) -> range:
    """Tokens to show of ``count``: around token ``window``, the first that overwrites another."""
    length = min(TOKENS_SHOWN, count, max(4, 3 * window))
    stop = min(count, max(window + 2 * length // 3, length))
    return range(stop - length, stop)


@dataclass(frozen=True)
class _Picture:
    phi: NDArray[np.float64]
    y_code: NDArray[np.integer]
    tokens: range
    config: HeadConfig
    wrap: int | None

    def paint(self, figure: Figure) -> None:
        """Fill ``figure``: phi on the left, y above its histogram on the right."""
        scores = figure.add_axes((0.075, 0.10, 0.545, 0.835))
        score_bar = figure.add_axes((0.63, 0.10, 0.012, 0.835))
        outputs = figure.add_axes((0.745, 0.50, 0.20, 0.435))
        output_bar = figure.add_axes((0.953, 0.50, 0.012, 0.435))
        histogram = figure.add_axes((0.745, 0.10, 0.22, 0.26))
        self._scores(scores)
        _bar(figure, score_bar, style.SCORE_MAP, Normalize(0, 1))
        norm = self._outputs(outputs)
        _bar(figure, output_bar, style.SIGNED_MAP, norm)
        self._histogram(histogram)

    def _scores(self, axes: Axes) -> None:
        config, tokens = self.config, self.tokens
        stored = config.stored_columns
        phi = self.phi[:, :stored]
        axes.set_facecolor(style.tint(style.RULE, 0.55))
        axes.imshow(
            _coarse(phi),
            cmap=style.SCORE_MAP,
            norm=Normalize(0, 1),
            aspect="auto",
            interpolation="nearest",
            extent=(0, stored, tokens.stop, tokens.start),
        )
        step = max(1, -(-config.tiles // 32))
        for border in range(1, config.tiles, step):
            axes.axvline(border * config.columns, color=style.RULE, linewidth=0.5)
        if self.wrap is not None and tokens.start < self.wrap < tokens.stop:
            axes.axhline(self.wrap, color=style.NEGATIVE, linewidth=0.9, linestyle="--")
            axes.set_title(
                f"grey: empty;  dashed: token {self.wrap}, the ring wraps",
                fontsize=style.SMALL,
                color=style.MUTED,
                loc="right",
            )
        ring = f"{config.ring_tiles} sub-tiles of {config.columns}"
        sink = f", then a sink of {config.sink}" if config.sink else ""
        _name(axes, "scores φ in the slots of the window", f"slot: {ring}{sink}", "token")

    def _outputs(self, axes: Axes) -> Normalize:
        largest = max(1, int(np.abs(self.y_code).max()))
        norm = Normalize(-largest, largest)
        axes.imshow(
            self.y_code,
            cmap=style.SIGNED_MAP,
            norm=norm,
            aspect="auto",
            interpolation="nearest",
            extent=(0, self.config.head_dim, self.tokens.stop, self.tokens.start),
        )
        _name(axes, "outputs y", "dimension", "token")
        return norm

    def _histogram(self, axes: Axes) -> None:
        values, counts = np.unique(self.y_code, return_counts=True)
        colours = np.array([style.MUTED, style.POSITIVE, style.NEGATIVE])[np.sign(values)]
        axes.bar(values, counts / counts.sum() * 100, width=1.0, color=colours, linewidth=0)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        limit = self.config.result_max
        _name(axes, "", f"y, of −{limit}..{limit} possible", "% of outputs")  # noqa: RUF001


def _coarse(phi: NDArray[np.float64]) -> NDArray[np.float64]:
    """``phi`` with no more columns than pixels: of neighbours the largest value stays."""
    group = -(-phi.shape[1] // PIXELS)
    padding = -phi.shape[1] % group
    padded = np.pad(phi, ((0, 0), (0, padding)), constant_values=np.nan)
    grouped = padded.reshape(len(phi), -1, group)  # (T, pixels, group)
    empty = np.isnan(grouped).all(axis=2)
    coarse: NDArray[np.float64] = np.where(empty, np.nan, np.nan_to_num(grouped).max(axis=2))
    return coarse


def _bar(figure: Figure, axes: Axes, colours: Any, norm: Normalize) -> None:
    bar = figure.colorbar(ScalarMappable(norm, colours), cax=axes)
    bar.outline.set_visible(False)
    axes.tick_params(labelsize=style.SMALL, colors=style.MUTED, length=2)


def _name(axes: Axes, title: str, x: str, y: str) -> None:
    axes.set_title(title, fontsize=style.TITLE, color=style.INK, loc="left")
    axes.set_xlabel(x, fontsize=style.SMALL, color=style.MUTED)
    axes.set_ylabel(y, fontsize=style.SMALL, color=style.MUTED)
    axes.tick_params(labelsize=style.SMALL, colors=style.MUTED, length=3)
    for spine in axes.spines.values():
        spine.set_color(style.RULE)
