"""Gives all pictures their colours and sizes, and writes a picture to a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure

from gaincell.files import check_writable, replacing

INK = "#1f2933"
MUTED = "#66727f"
RULE = "#c3cad2"
PAPER = "#ffffff"
DIGITAL = "#eef1f4"
ANALOG = "#fdf6e9"
QUERY = "#c77c11"
KEY = "#2a6fb0"
VALUE = "#2f8f6b"
SCORE = "#8a4fa3"
POSITIVE = "#1f5a96"
NEGATIVE = "#c0442f"

WIDTH_IN = 10.0
DPI = 150
TEXT = 9.0
SMALL = 8.0
TITLE = 10.5

SCORE_MAP = LinearSegmentedColormap.from_list("score", [PAPER, SCORE, "#2b0f3a"], N=40)
SIGNED_MAP = LinearSegmentedColormap.from_list("signed", [NEGATIVE, PAPER, POSITIVE], N=41)

_SETTINGS: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same picture everywhere
    "svg.hashsalt": "gaincell",  # names inside an SVG, otherwise random
    "svg.fonttype": "path",
}
_FORMATS = {
    ".png": (FigureCanvasAgg, {"Software": None}),
    ".svg": (FigureCanvasSVG, {"Date": None, "Creator": None}),
}


def tint(colour: str, strength: float) -> tuple[float, float, float]:
    """``colour`` mixed with white: 1 is the colour, 0 is white."""
    red, green, blue = (1 - strength * (1 - part) for part in to_rgb(colour))
    return red, green, blue


def bare(axes: Axes) -> None:
    """Remove frame and ticks from ``axes``."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def check_output(output: Path) -> None:
    """Refuse ``output`` unless a picture can be written there.

    Raises
    ------
    ValueError
        Its name ends neither in .png nor in .svg, or its folder cannot be written to.
    """
    if output.suffix not in _FORMATS:
        raise ValueError(f"picture {output} must have a name that ends in .png or .svg")
    check_writable(output)


def draw(paint: Callable[[Figure], None], height_in: float, output: Path) -> None:
    """Let ``paint`` fill a figure of the common width, and write it to ``output`` as PNG or SVG.

    Equal pictures give equal files: they hold no date and no random name. If ``paint`` fails, no
    file is left.

    Raises
    ------
    ValueError
        As ``check_output``.
    """
    check_output(output)
    canvas_class, metadata = _FORMATS[output.suffix]
    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(figsize=(WIDTH_IN, height_in), dpi=DPI, facecolor=PAPER)
        canvas_class(figure)
        paint(figure)
        with replacing(output) as unfinished:
            figure.savefig(unfinished, format=output.suffix[1:], dpi=DPI, metadata=metadata)
