"""Draws a timing diagram from the waveform of a co-simulation."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from gaincell.config import HeadConfig
from gaincell.pictures import style
from gaincell.pictures.recording import Recording
from gaincell.schedule import Span

QUERY_ROWS = 4
OUTPUT_ROWS = 3
ROW_IN = 0.27
MARGIN_CYCLES = 4
TINTS = (1.0, 0.72, 0.5)


@dataclass(frozen=True)
class Row:
    """A phase: its name, the wire that is high while it runs, and the colour of its role."""

    name: str
    wire: str
    colour: str


K_PHASES = (
    Row("K write", "k_enable", style.KEY),
    Row("K reset", "k_reset", style.MUTED),
    Row("QK", "k_integrate", style.KEY),
)
V_PHASES = (
    Row("V write", "v_enable", style.VALUE),
    Row("V reset", "v_reset", style.MUTED),
    Row("AV", "v_integrate", style.VALUE),
    Row("OUT", "v_convert", style.SCORE),
)


def draw_timing(
    waveform: Path,
    config: HeadConfig,
    output: Path,
    *,
    first_token: int = 3,
    tokens: int = 3,
    dimensions: Sequence[int] | None = None,
) -> None:
    """Draw the wires during a few successive tokens.

    Rows are the token stream, the phases on the K and the V arrays with a few query and output
    pulses, and the result stream. All lengths are measured on the waveform.

    Parameters
    ----------
    waveform : Path
        VCD or FST file that a co-simulation of ``config`` wrote, with either transport.
    output : Path
        PNG or SVG, by its suffix.
    first_token, tokens : int
        Which tokens to show, counted from the latest reset.
    dimensions : sequence of int, optional
        Dimensions of the query pulses to show; the first four by default.

    Raises
    ------
    ValueError
        The waveform cannot be read, lacks a signal, does not belong to ``config``, or ends before
        the results of the tokens; a dimension out of range; an output that cannot be written.
    """
    style.check_output(output)
    shown = range(min(QUERY_ROWS, config.head_dim)) if dimensions is None else dimensions
    if wrong := [each for each in shown if not 0 <= each < config.head_dim]:
        raise ValueError(f"dimension {wrong[0]} is not in 0..{config.head_dim - 1}")
    if first_token < 0 or tokens < 1:
        raise ValueError(
            f"first_token is {first_token} and tokens {tokens}, but must be at least 0 and 1"
        )
    recording = Recording(waveform, config)
    if recording.tokens < first_token + tokens:
        raise ValueError(
            f"waveform {waveform} holds the results of {recording.tokens} tokens, "
            f"but tokens {first_token}..{first_token + tokens - 1} were asked for"
        )
    diagram = _Diagram(recording, config, range(first_token, first_token + tokens), shown)
    style.draw(diagram.paint, diagram.height_in, output)


def _bits(values: Sequence[int], bit: int) -> list[int]:
    return [value >> bit & 1 for value in values]


class _Diagram:
    """Rows from top to bottom; time in cycles from the accept of the first token shown."""

    def __init__(
        self, recording: Recording, config: HeadConfig, tokens: range, dimensions: Sequence[int]
    ) -> None:
        self._recording = recording
        self._config = config
        self._tokens = tokens
        self._dimensions = dimensions
        self._zero = recording.accepts[tokens[0]]
        self._begin = self._zero - MARGIN_CYCLES
        self._end = recording.valids[tokens[-1]] + MARGIN_CYCLES
        self._outputs = {
            token: recording.outputs(token)
            for token, phase in enumerate(recording.phases["v_convert"])
            if phase.start < self._end and phase.end > self._begin
        }
        self._output_wires = self._chosen_outputs()
        self._rows = 3 + len(K_PHASES) + len(V_PHASES) + len(dimensions) + len(self._output_wires)
        self._row = 0.0
        self.height_in = (self._rows + 4.8) * ROW_IN

    def paint(self, figure: Figure) -> None:
        """Fill ``figure``."""
        left, right, bottom_in, top_in = 0.135, 0.985, 0.5, 0.8
        height = 1 - (bottom_in + top_in) / self.height_in
        axes = figure.add_axes((left, bottom_in / self.height_in, right - left, height))
        axes.set_xlim(self._begin - self._zero, self._end - self._zero)
        axes.set_ylim(self._rows, 0)
        for side in ("top", "left", "right"):
            axes.spines[side].set_visible(False)
        axes.spines["bottom"].set_color(style.RULE)
        axes.set_yticks([])
        axes.tick_params(axis="x", labelsize=style.SMALL, colors=style.MUTED)
        axes.set_xlabel(
            f"clock cycles after the accept of token {self._tokens[0]}          "
            "out s:d is the pulse of sub-tile s, dimension d, with the code it stands for",
            fontsize=style.SMALL,
            color=style.MUTED,
            labelpad=2,
        )
        self._mark_accepts(axes)
        wires = self._recording.wires
        self._wave(axes, "token valid", wires["token_valid"], style.INK)
        self._wave(axes, "token ready", wires["token_ready"], style.INK)
        self._band(axes, len(K_PHASES) + len(self._dimensions))
        for row in K_PHASES:
            self._phase(axes, row)
        for dimension in self._dimensions:
            pulse = _bits(wires["query"], dimension)
            self._wave(axes, f"query {dimension}", pulse, style.QUERY, filled=True)
        self._band(axes, len(V_PHASES) + len(self._output_wires))
        for row in V_PHASES:
            self._phase(axes, row)
        for wire in self._output_wires:
            self._output(axes, wire)
        self._wave(axes, "result valid", wires["result_valid"], style.INK)
        self._annotate(axes)
        self._title(axes)

    def _chosen_outputs(self) -> list[int]:
        """The wires with the longest positive and negative pulse, then with the longest sum."""
        longest: dict[bool, dict[int, int]] = {False: {}, True: {}}
        summed: dict[int, int] = {}
        for token in self._tokens:
            for each in self._outputs[token]:
                cycles = each.span.cycles
                signed = longest[each.negative]
                signed[each.wire] = max(cycles, signed.get(each.wire, 0))
                summed[each.wire] = summed.get(each.wire, 0) + cycles
        chosen: list[int] = []
        for ranking in (longest[False], longest[True], summed, summed):
            left = {wire: cycles for wire, cycles in ranking.items() if wire not in chosen}
            if left and len(chosen) < OUTPUT_ROWS:
                chosen.append(max(left, key=lambda wire: (left[wire], -wire)))
        return sorted(chosen)

    def _next(self, axes: Axes, name: str, cycles: str = "") -> float:
        """Begin a row and return the y of its middle."""
        middle = self._row + 0.5
        self._row += 1
        place: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center"}
        axes.text(-0.045, middle, name, ha="right", fontsize=style.TEXT, color=style.INK, **place)
        axes.text(
            -0.01, middle, cycles, ha="right", fontsize=style.SMALL, color=style.MUTED, **place
        )
        axes.axhline(self._row, color=style.DIGITAL, linewidth=0.8, zorder=0)
        return middle

    def _band(self, axes: Axes, rows: int) -> None:
        """Shade the next ``rows``: their wires go to the arrays or come from them."""
        axes.axhspan(self._row, self._row + rows, color=style.ANALOG, zorder=-1, linewidth=0)
        axes.axhline(self._row, color=style.RULE, linewidth=0.8, zorder=0)
        axes.axhline(self._row + rows, color=style.RULE, linewidth=0.8, zorder=0)

    def _wave(
        self, axes: Axes, name: str, values: Sequence[int], colour: str, filled: bool = False
    ) -> None:
        middle = self._next(axes, name)
        low, high = middle + 0.3, middle - 0.3
        begin, end = max(0, self._begin), min(self._end, len(values))
        level = [high if values[cycle] else low for cycle in range(begin, end)]
        time = [cycle - self._zero for cycle in range(begin, end + 1)]
        axes.step(time, [*level, level[-1]], where="post", color=colour, linewidth=1.1)
        if filled:
            shade = style.tint(colour, 0.35)
            axes.fill_between(time, [*level, level[-1]], low, step="post", color=shade, linewidth=0)

    def _phase(self, axes: Axes, row: Row) -> None:
        spans = self._recording.phases[row.wire]
        length = spans[self._tokens[0]].cycles
        middle = self._next(axes, row.name, f"{length}")
        for token, span in enumerate(spans):
            shown = token in self._tokens
            strength = TINTS[(token - self._tokens[0]) % len(TINTS)] if shown else 0.12
            text_colour = style.PAPER if strength > 0.9 else style.INK
            self._box(axes, span, middle, style.tint(row.colour, strength), row.colour)
            self._label(axes, span, middle, f"{token}", text_colour)
        for span in self._recording.clears[row.wire]:
            self._box(axes, span, middle, style.PAPER, row.colour)
            self._label(axes, span, middle, "clear", style.INK)

    def _output(self, axes: Axes, wire: int) -> None:
        tile, dimension = divmod(wire, self._config.head_dim)
        middle = self._next(axes, f"out {tile}:{dimension}")
        axes.axhline(middle + 0.3, color=style.RULE, linewidth=0.8, zorder=1)
        for outputs in self._outputs.values():
            for each in outputs:
                if each.wire == wire and each.span.end > self._begin:
                    colour = style.NEGATIVE if each.negative else style.POSITIVE
                    self._box(axes, each.span, middle, style.tint(colour, 0.35), colour)
                    sign = "−" if each.negative else "+"  # noqa: RUF001 the sign, not a hyphen
                    self._label(axes, each.span, middle, f"{sign}{each.span.cycles}", colour)

    def _box(self, axes: Axes, span: Span, middle: float, face: Any, edge: str) -> None:
        start = span.start - self._zero
        axes.add_patch(
            Rectangle(
                (start, middle - 0.34),
                span.cycles,
                0.68,
                facecolor=face,
                edgecolor=edge,
                linewidth=0.8,
                clip_on=True,
                zorder=2,
            )
        )

    def _label(self, axes: Axes, span: Span, middle: float, text: str, colour: str) -> None:
        """Write ``text`` into a box, or behind a box that is too small. Nothing if out of view."""
        start, end = max(span.start, self._begin), min(span.end, self._end)
        room = (end - start) / (self._end - self._begin)
        look: dict[str, Any] = {"fontsize": style.SMALL, "va": "center", "zorder": 3}
        if room > 0.005 + 0.008 * len(text):
            place = (start + end) / 2 - self._zero
            axes.text(place, middle, text, ha="center", color=colour, **look)
        elif end > start and span.end < self._end - MARGIN_CYCLES and span.start >= self._begin:
            outside = style.INK if colour == style.PAPER else colour
            place = end - self._zero + 0.005 * (self._end - self._begin)
            axes.text(place, middle, text, color=outside, **look)

    def _mark_accepts(self, axes: Axes) -> None:
        recording, first = self._recording, self._tokens[0]
        for cycle in (*(recording.accepts[each] for each in self._tokens), recording.valids[first]):
            axes.axvline(
                cycle - self._zero, color=style.MUTED, linewidth=0.7, linestyle=":", zorder=1
            )

    def _annotate(self, axes: Axes) -> None:
        """Latency and interval as arrows above the rows."""
        recording, first = self._recording, self._tokens[0]
        accept, valid = recording.accepts[first], recording.valids[first]
        self._arrow(axes, accept, valid, -0.75, f"latency {valid - accept}")
        if len(self._tokens) > 1:
            begin, end = recording.accepts[first + 1], recording.accepts[first]
            self._arrow(axes, end, begin, -1.75, f"interval {begin - end}")

    def _arrow(self, axes: Axes, begin: int, end: int, y: float, text: str) -> None:
        axes.annotate(
            "",
            (begin - self._zero, y),
            (end - self._zero, y),
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "<|-|>",
                "color": style.INK,
                "linewidth": 0.9,
                "shrinkA": 0,
                "shrinkB": 0,
                "mutation_scale": 8,
            },
        )
        axes.text(
            (begin + end) / 2 - self._zero,
            y,
            text,
            ha="center",
            va="center",
            fontsize=style.TEXT,
            color=style.INK,
            bbox={"facecolor": style.PAPER, "edgecolor": "none", "pad": 1.5},
        )

    def _title(self, axes: Axes) -> None:
        config, tokens = self._config, self._tokens
        axes.text(
            1.0,
            -1.75,
            f"tokens {tokens[0]}..{tokens[-1]}, {config.schedule} schedule",
            transform=axes.get_yaxis_transform(),
            ha="right",
            va="center",
            fontsize=style.TEXT,
            color=style.INK,
        )
        axes.text(
            -0.01,
            -0.5,
            "cycles",
            transform=axes.get_yaxis_transform(),
            ha="right",
            va="center",
            fontsize=style.SMALL,
            color=style.MUTED,
        )
