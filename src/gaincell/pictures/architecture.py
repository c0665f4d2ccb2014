"""A block diagram of one head, with the numbers of its config."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Polygon, Rectangle

from gaincell.config import HeadConfig
from gaincell.pictures import style

HEIGHT_IN = 5.3
UNITS_WIDE = 100.0
UNITS_HIGH = UNITS_WIDE * HEIGHT_IN / style.WIDTH_IN
Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A rectangle by its lower left corner and size, in hundredths of the picture's width."""

    x: float
    y: float
    wide: float
    high: float

    @property
    def right(self) -> float:
        return self.x + self.wide

    @property
    def top(self) -> float:
        return self.y + self.high

    @property
    def middle(self) -> float:
        return self.x + self.wide / 2

    @property
    def centre(self) -> float:
        return self.y + self.high / 2


CONTROL = Box(10.5, 1.0, 25.0, 48.5)
ARRAYS = Box(37.5, 1.0, 41.5, 48.5)
ANSWER = Box(81.0, 1.0, 11.5, 48.5)

REGISTERS = Box(12.0, 37.0, 22.0, 10.0)
POINTER = Box(12.0, 28.0, 22.0, 6.5)
PULSES = Box(12.0, 16.5, 22.0, 8.5)
SEQUENCER = Box(12.0, 2.5, 22.0, 11.5)

KEYS = Box(40.0, 9.5, 9.5, 24.0)
FIRST_STAGE = Box(53.0, 9.5, 4.2, 24.0)
VALUES = Box(60.7, 9.5, 9.5, 24.0)
SECOND_STAGE = Box(73.5, 9.5, 4.2, 24.0)

READOUT = Box(82.0, 14.5, 9.5, 19.0)
QUEUE = Box(82.0, 2.5, 9.5, 7.0)

K_LANE, V_LANE, ENABLE_LANE, JOIN = 41.0, 44.0, 5.0, 36.5
"""Heights of the write data and of the enables, and where the slot joins the write data."""


def draw_architecture(config: HeadConfig, output: Path) -> None:
    """Draw the head of ``config`` as blocks: digital control on both sides of the analog arrays.

    Parameters
    ----------
    output : Path
        PNG or SVG, by its suffix.

    Raises
    ------
    ValueError
        An output that cannot be written.
    """
    style.draw(_Diagram(config).paint, HEIGHT_IN, output)


class _Diagram:
    def __init__(self, config: HeadConfig) -> None:
        self._config = config

    def paint(self, figure: Figure) -> None:
        """Fill ``figure``."""
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(0, UNITS_WIDE)
        axes.set_ylim(0, UNITS_HIGH)
        style.bare(axes)
        config = self._config
        _region(axes, CONTROL, "digital control, Verilog", style.DIGITAL)
        _region(
            axes, ARRAYS, f"analog arrays, numpy; window of {config.window} tokens", style.ANALOG
        )
        _region(axes, ANSWER, "Verilog", style.DIGITAL)
        self._control(axes)
        self._arrays(axes)
        self._answer(axes)
        self._wires(axes)

    def _control(self, axes: Axes) -> None:
        config, timing = self._config, self._config.timing
        _block(
            axes,
            REGISTERS,
            "admission, token registers",
            "q, k, v codes of one token;\nits result place is reserved",
        )
        sink = f", sink {config.sink}" if config.sink else ""
        _block(
            axes,
            POINTER,
            "write pointer",
            f"sub-tile 0..{config.tiles - 1}, column 0..{config.columns - 1}{sink}",
        )
        step = f"{config.step_cycles} cycle{'s' * (config.step_cycles > 1)} per step"
        _block(
            axes,
            PULSES,
            "query pulses",
            f"{config.head_dim} pulses of 0..{config.query_max} steps,\n{step}",
            style.QUERY,
        )
        _block(
            axes,
            SEQUENCER,
            "sequencer",
            f"write {config.write_cycles}, reset {config.reset_cycles}, QK {timing.qk.cycles},\n"
            f"AV {timing.av.cycles}, OUT {timing.out.cycles} cycles;\n"
            f"a token every {timing.interval_cycles} cycles,\n"
            f"its result after {timing.latency_cycles}",
        )

    def _arrays(self, axes: Axes) -> None:
        config = self._config
        rows, columns = config.head_dim, config.columns
        self._stack(axes, KEYS, "K arrays", f"{rows} × {columns}", style.KEY)  # noqa: RUF001
        self._stack(axes, VALUES, "V arrays", f"{columns} × {rows}", style.VALUE)  # noqa: RUF001
        _stage(axes, FIRST_STAGE, "charge to pulse: φ")
        _stage(axes, SECOND_STAGE, "charge to signed pulse")

    def _stack(self, axes: Axes, box: Box, name: str, size: str, colour: str) -> None:
        """A ring of sub-tiles, the first, the second and the last drawn, and the sink's."""
        config = self._config
        labels = ["0", "1", "…", str(config.ring_tiles - 1)]
        if config.ring_tiles < 4:
            labels = [str(tile) for tile in range(config.ring_tiles)]
        if config.sink:
            labels.append("sink")
        gap = 0.7
        around = Box(box.x - 0.6, box.y - 0.6, box.wide + 1.2, box.high + 1.2)
        _frame(axes, around, style.tint(colour, 0.06), style.tint(colour, 0.4))
        high = (box.high + gap) / len(labels) - gap
        for place, label in enumerate(labels):
            tile = Box(box.x, box.top - (place + 1) * high - place * gap, box.wide, high)
            if label == "…":
                axes.text(tile.middle, tile.centre, "⋮", **_look(style.TITLE, colour))
                continue
            _grid(axes, tile, colour)
            axes.text(
                tile.middle,
                tile.centre,
                label,
                **_look(style.TEXT, style.INK),
                bbox={"facecolor": style.PAPER, "edgecolor": "none", "pad": 1.5},
            )
        left = {"ha": "left", "va": "center"}
        axes.text(box.x + 2.4, box.top + 4.2, name, **_look(style.TEXT, colour, "bold") | left)
        tiles = f"{config.ring_tiles}" + (" + sink" if config.sink else "")
        axes.text(
            box.x + 2.4,
            box.top + 1.8,
            f"{tiles} of {size}",
            **_look(style.SMALL, style.MUTED) | left,
        )

    def _answer(self, axes: Axes) -> None:
        config, timing = self._config, self._config.timing
        wires = config.tiles * config.head_dim
        name = "popcount\nreadout" if config.readout == "popcount" else "counter\nreadout"
        how = (
            "Σ p ⊕ s over" if config.readout == "popcount" else f"{wires} counters,\nΣ ± count over"
        )
        _block(
            axes,
            READOUT,
            name,
            f"{how}\n{config.tiles} sub-tiles\n{timing.out.cycles} samples\n\n"
            f"{config.head_dim} sums of\n{config.result_width} bits",
        )
        _block(
            axes,
            QUEUE,
            "results",
            f"{timing.result_places} place{'s' * (timing.result_places > 1)}",
        )

    def _wires(self, axes: Axes) -> None:
        config = self._config
        dims = config.head_dim
        lanes = (
            (K_LANE, KEYS, style.KEY, f"k, {config.key_bits} bit"),
            (V_LANE, VALUES, style.VALUE, f"v, {config.value_bits} bit"),
        )
        for lane, box, colour, text in lanes:
            into = box.x + 1.4
            _path(axes, [(REGISTERS.right, lane), (into, lane), (into, box.top)], colour)
            _tag(axes, (KEYS.x + 7.0, lane + 1.2), f"{dims} DACs: {text}", colour)
        _path(
            axes,
            [(POINTER.right, POINTER.centre), (JOIN, POINTER.centre), (JOIN, V_LANE)],
            head=False,
        )
        for lane in (K_LANE, V_LANE):
            axes.plot([JOIN], [lane], marker="o", markersize=4, color=style.INK)
        _path(axes, [(PULSES.right, PULSES.centre), (KEYS.x, PULSES.centre)], style.QUERY)
        _path(axes, [(READOUT.middle, READOUT.y), (READOUT.middle, QUEUE.top)])
        chain = ((KEYS, FIRST_STAGE, "S"), (FIRST_STAGE, VALUES, "φ"), (VALUES, SECOND_STAGE, "A"))
        middle = KEYS.centre
        for source, target, text in chain:
            _path(axes, [(source.right, middle), (target.x, middle)], style.SCORE)
            _tag(axes, ((source.right + target.x) / 2 - 0.3, middle + 1.5), text, style.SCORE)
        _path(axes, [(SECOND_STAGE.right, middle), (READOUT.x, middle)], style.SCORE)
        _tag(axes, ((SECOND_STAGE.right + READOUT.x) / 2 - 0.9, middle + 1.5), "p, s", style.SCORE)
        self._enables(axes)
        self._streams(axes)

    def _enables(self, axes: Axes) -> None:
        targets = (KEYS, FIRST_STAGE, VALUES, SECOND_STAGE)
        end = (SECOND_STAGE.middle, ENABLE_LANE)
        _path(axes, [(SEQUENCER.right, ENABLE_LANE), end], style.MUTED, head=False, dashed=True)
        for box in targets:
            ends = [(box.middle, ENABLE_LANE), (box.middle, box.y)]
            _path(axes, ends, style.MUTED, dashed=True)
        text = "enables: write; reset, integrate, convert"
        _tag(axes, (ARRAYS.middle, ENABLE_LANE - 1.7), text, style.MUTED)

    def _streams(self, axes: Axes) -> None:
        config = self._config
        bits = config.head_dim * (config.query_bits + config.key_bits + config.value_bits) + 1
        _path(axes, [(0.5, REGISTERS.centre), (REGISTERS.x, REGISTERS.centre)])
        _path(axes, [(QUEUE.right, QUEUE.centre), (99.5, QUEUE.centre)])
        left, right = CONTROL.x / 2, (ANSWER.right + UNITS_WIDE) / 2
        axes.text(left, REGISTERS.centre + 3.2, "token\nstream", **_look(style.TEXT, style.INK))
        _tag(axes, (left, REGISTERS.centre - 1.9), f"{bits} bits", style.MUTED)
        axes.text(right, QUEUE.centre + 3.2, "result\nstream", **_look(style.TEXT, style.INK))
        wide = config.head_dim * config.result_width
        _tag(axes, (right, QUEUE.centre - 1.9), f"{wide} bits", style.MUTED)


def _look(size: float, colour: str, weight: str = "normal") -> dict[str, Any]:
    return {"fontsize": size, "color": colour, "weight": weight, "ha": "center", "va": "center"}


def _region(axes: Axes, box: Box, name: str, colour: str) -> None:
    axes.add_patch(Rectangle((box.x, box.y), box.wide, box.high, facecolor=colour, linewidth=0))
    axes.text(box.middle, box.top + 1.3, name, **_look(style.TEXT, style.MUTED))


def _block(axes: Axes, box: Box, name: str, detail: str, colour: str = style.INK) -> None:
    axes.add_patch(
        FancyBboxPatch(
            (box.x, box.y),
            box.wide,
            box.high,
            boxstyle="round,pad=0,rounding_size=0.6",
            facecolor=style.PAPER,
            edgecolor=colour,
            linewidth=1.0,
        )
    )
    lines = 1 + name.count("\n")
    axes.text(box.middle, box.top - 0.6 - 1.0 * lines, name, **_look(style.TEXT, colour, "bold"))
    bottom, top = box.y, box.top - 1.2 - 2.0 * lines
    axes.text(
        box.middle,
        (bottom + top) / 2 + 0.3,
        detail,
        linespacing=1.25,
        **_look(style.SMALL, style.MUTED),
    )


def _frame(axes: Axes, box: Box, face: Any, edge: Any) -> None:
    shape = Rectangle((box.x, box.y), box.wide, box.high, facecolor=face, edgecolor=edge)
    shape.set_linewidth(1.0)
    axes.add_patch(shape)


def _stage(axes: Axes, box: Box, name: str) -> None:
    _frame(axes, box, style.tint(style.SCORE, 0.12), style.SCORE)
    axes.text(box.middle, box.centre, name, rotation=90, **_look(style.TEXT, style.SCORE))


def _grid(axes: Axes, box: Box, colour: str) -> None:
    """A sub-tile: cells at the crossings of lines."""
    _frame(axes, box, style.tint(colour, 0.14), colour)
    for line in range(1, 8):
        x = box.x + box.wide * line / 8
        axes.plot([x, x], [box.y, box.top], color=style.tint(colour, 0.35), linewidth=0.6)
    for line in range(1, 5):
        y = box.y + box.high * line / 5
        axes.plot([box.x, box.right], [y, y], color=style.tint(colour, 0.35), linewidth=0.6)


def _path(
    axes: Axes,
    points: list[Point],
    colour: str = style.INK,
    *,
    head: bool = True,
    dashed: bool = False,
) -> None:
    """A line through ``points``, horizontal and vertical, ending in an arrow head if ``head``."""
    kind = (0, (3, 2)) if dashed else "-"
    axes.plot(*zip(*points, strict=True), color=colour, linewidth=1.2, linestyle=kind)
    if head:
        (x0, y0), (x1, y1) = points[-2:]
        length = max(abs(x1 - x0), abs(y1 - y0))
        dx, dy = (x1 - x0) / length, (y1 - y0) / length
        back_x, back_y = x1 - 1.2 * dx, y1 - 1.2 * dy
        corners = [
            (x1, y1),
            (back_x + 0.5 * dy, back_y + 0.5 * dx),
            (back_x - 0.5 * dy, back_y - 0.5 * dx),
        ]
        axes.add_patch(Polygon(corners, facecolor=colour, linewidth=0, zorder=3))


def _tag(axes: Axes, place: Point, text: str, colour: str) -> None:
    axes.text(*place, text, **_look(style.SMALL, colour))
