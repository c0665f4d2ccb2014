"""Draws a block diagram of one head with the numbers of its config."""

from dataclasses import replace
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gaincell.config import HeadConfig
from gaincell.hdl.layouts import request_layout, response_layout, result_layout, token_layout
from gaincell.pictures import style
from gaincell.pictures.architecture_parts import (
    Box,
    block,
    frame,
    grid,
    look,
    path,
    region,
    stage,
    tag,
)
from gaincell.retention import Retention

HEIGHT_IN, REFRESH_HEIGHT_IN = 5.3, 6.55
"""Height of the picture without refresh, and with refresh."""
UNITS_WIDE = 100.0

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

REFRESH = Box(12.0, 50.0, 22.0, 10.0)
MEMORY = Box(69.0, 53.3, 23.5, 6.7)

K_LANE, V_LANE, ENABLE_LANE, JOIN = 41.0, 44.0, 5.0, 36.5
"""Heights of the write data and the enables, and the x at which slots and refresh join."""


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
    diagram = _Diagram(config)
    style.draw(diagram.paint, diagram.height_in, output)


class _Diagram:
    def __init__(self, config: HeadConfig) -> None:
        self._config = config
        self.height_in = HEIGHT_IN if config.retention is None else REFRESH_HEIGHT_IN

    def paint(self, figure: Figure) -> None:
        """Fill ``figure``."""
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(0, UNITS_WIDE)
        axes.set_ylim(0, UNITS_WIDE * self.height_in / style.WIDTH_IN)
        style.bare(axes)
        config = self._config
        control = CONTROL
        if config.retention is not None:
            control = replace(CONTROL, high=REFRESH.top + 2.0 - CONTROL.y)
        region(axes, control, "digital control, Verilog", style.DIGITAL)
        region(
            axes, ARRAYS, f"analog arrays, numpy; window of {config.window} tokens", style.ANALOG
        )
        region(axes, ANSWER, "Verilog", style.DIGITAL)
        self._control(axes)
        self._arrays(axes)
        self._answer(axes)
        self._wires(axes)
        if config.retention is not None:
            self._refresh(axes, config.retention)

    def _control(self, axes: Axes) -> None:
        config, timing = self._config, self._config.timing
        block(
            axes,
            REGISTERS,
            "admission, token registers",
            "q, k, v codes of one token;\nits result place is reserved",
        )
        sink = f", sink {config.sink}" if config.sink else ""
        block(
            axes,
            POINTER,
            "write pointer",
            f"sub-tile 0..{config.tiles - 1}, column 0..{config.columns - 1}{sink}",
        )
        step = f"{config.step_cycles} cycle{'s' * (config.step_cycles > 1)} per step"
        block(
            axes,
            PULSES,
            "query pulses",
            f"{config.head_dim} pulses of 0..{config.query_max} steps,\n{step}",
            style.QUERY,
        )
        block(
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
        stage(axes, FIRST_STAGE, "charge to pulse: φ")
        stage(axes, SECOND_STAGE, "charge to signed pulse")

    def _stack(self, axes: Axes, box: Box, name: str, size: str, colour: str) -> None:
        """A ring of sub-tiles: the first, the second, the last and the sink's are drawn."""
        config = self._config
        labels = ["0", "1", "…", str(config.ring_tiles - 1)]
        if config.ring_tiles < 4:
            labels = [str(tile) for tile in range(config.ring_tiles)]
        if config.sink:
            labels.append("sink")
        gap = 0.7
        around = Box(box.x - 0.6, box.y - 0.6, box.wide + 1.2, box.high + 1.2)
        frame(axes, around, style.tint(colour, 0.06), style.tint(colour, 0.4))
        high = (box.high + gap) / len(labels) - gap
        for place, label in enumerate(labels):
            tile = Box(box.x, box.top - (place + 1) * high - place * gap, box.wide, high)
            if label == "…":
                axes.text(tile.middle, tile.centre, "⋮", **look(style.TITLE, colour))
                continue
            grid(axes, tile, colour)
            axes.text(
                tile.middle,
                tile.centre,
                label,
                **look(style.TEXT, style.INK),
                bbox={"facecolor": style.PAPER, "edgecolor": "none", "pad": 1.5},
            )
        left = {"ha": "left", "va": "center"}
        axes.text(box.x + 2.4, box.top + 4.2, name, **look(style.TEXT, colour, "bold") | left)
        tiles = f"{config.ring_tiles}" + (" + sink" if config.sink else "")
        axes.text(
            box.x + 2.4,
            box.top + 1.8,
            f"{tiles} of {size}",
            **look(style.SMALL, style.MUTED) | left,
        )

    def _answer(self, axes: Axes) -> None:
        config, timing = self._config, self._config.timing
        wires = config.tiles * config.head_dim
        name = f"{config.readout.removesuffix('s')}\nreadout"
        how = {
            "popcount": "Σ p ⊕ s over",
            "counters": f"{wires} counters,\nΣ ± count over",
        }.get(config.readout, "Σ ± c over")
        block(
            axes,
            READOUT,
            name,
            f"{how}\n{config.tiles} sub-tiles\n{timing.out.cycles} samples\n\n"
            f"{config.head_dim} sums of\n{config.result_width} bits",
        )
        block(
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
            path(axes, [(REGISTERS.right, lane), (into, lane), (into, box.top)], colour)
            tag(axes, (KEYS.x + 7.0, lane + 1.2), f"{dims} DACs: {text}", colour)
        path(
            axes,
            [(POINTER.right, POINTER.centre), (JOIN, POINTER.centre), (JOIN, V_LANE)],
            head=False,
        )
        for lane in (K_LANE, V_LANE):
            axes.plot([JOIN], [lane], marker="o", markersize=4, color=style.INK)
        path(axes, [(PULSES.right, PULSES.centre), (KEYS.x, PULSES.centre)], style.QUERY)
        path(axes, [(READOUT.middle, READOUT.y), (READOUT.middle, QUEUE.top)])
        chain = ((KEYS, FIRST_STAGE, "S"), (FIRST_STAGE, VALUES, "φ"), (VALUES, SECOND_STAGE, "A"))
        middle = KEYS.centre
        for source, target, text in chain:
            path(axes, [(source.right, middle), (target.x, middle)], style.SCORE)
            tag(axes, ((source.right + target.x) / 2 - 0.3, middle + 1.5), text, style.SCORE)
        path(axes, [(SECOND_STAGE.right, middle), (READOUT.x, middle)], style.SCORE)
        tag(axes, ((SECOND_STAGE.right + READOUT.x) / 2 - 0.9, middle + 1.5), "p, s", style.SCORE)
        self._enables(axes)
        self._streams(axes)

    def _enables(self, axes: Axes) -> None:
        targets = (KEYS, FIRST_STAGE, VALUES, SECOND_STAGE)
        end = (SECOND_STAGE.middle, ENABLE_LANE)
        path(axes, [(SEQUENCER.right, ENABLE_LANE), end], style.MUTED, head=False, dashed=True)
        for box in targets:
            ends = [(box.middle, ENABLE_LANE), (box.middle, box.y)]
            path(axes, ends, style.MUTED, dashed=True)
        text = "enables: write; reset, integrate, convert"
        tag(axes, (ARRAYS.middle, ENABLE_LANE - 1.7), text, style.MUTED)

    def _streams(self, axes: Axes) -> None:
        config = self._config
        path(axes, [(0.5, REGISTERS.centre), (REGISTERS.x, REGISTERS.centre)])
        path(axes, [(QUEUE.right, QUEUE.centre), (99.5, QUEUE.centre)])
        left, right = CONTROL.x / 2, (ANSWER.right + UNITS_WIDE) / 2
        streams = (
            ("token", left, REGISTERS.centre, token_layout(config).size),
            ("result", right, QUEUE.centre, result_layout(config).size),
        )
        for name, x, y, bits in streams:
            axes.text(x, y + 3.2, f"{name}\nstream", **look(style.TEXT, style.INK))
            tag(axes, (x, y - 1.9), f"{bits} bits", style.MUTED)

    def _refresh(self, axes: Axes, retention: Retention) -> None:
        """The block that refreshes columns, and the memory outside that sends the codes."""
        config = self._config
        block(
            axes,
            REFRESH,
            "refresh",
            f"visits a column every {retention.visit_cycles} cycles;\n"
            "writes an old one again,\n"
            "clears it if no codes come",
        )
        tokens = f"{retention.stored_columns} token{'s' * (retention.stored_columns > 1)}"
        copies = f"digital copies of the columns,\nk and v of {tokens}"
        block(axes, MEMORY, "memory outside the head", copies, style.MUTED)
        ask, answer = MEMORY.top - 1.8, MEMORY.y + 0.8
        path(axes, [(REFRESH.right, ask), (MEMORY.x, ask)])
        path(axes, [(MEMORY.x, answer), (REFRESH.right, answer)])
        streams = (
            (ask, "request: sub-tile, column, tag", request_layout(config).size),
            (answer, "response: k, v, tag", response_layout(config).size),
        )
        left, right = look(style.TEXT, style.INK), look(style.SMALL, style.MUTED)
        for y, text, bits in streams:
            axes.text(JOIN + 1.5, y + 1.4, text, **left | {"ha": "left"})
            axes.text(MEMORY.x - 1.5, y + 1.4, f"{bits} bits", **right | {"ha": "right"})
        out = REFRESH.y + 1.5
        path(axes, [(REFRESH.right, out), (JOIN, out), (JOIN, V_LANE)], head=False)
