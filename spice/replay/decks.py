"""Decks of single lines: all cells of a column or an output line, its converter, a whole run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gaincell.schedule import Span
from gaincell.spice.deck import EDGE_S, DeckText
from gaincell.spice.design import Design
from gaincell.spice.measure.times import HOLD, OPEN_S, OUTPUT, SCORE
from gaincell.spice.ngspice import Deck
from gaincell.spice.replay.head import ReplayedHead
from gaincell.spice.replay.wires import Control, Write

STEPS = (0.3, 0.2, 0.1, 0.05)
"""Longest step, in clocks; the next is for a deck that finds no solution with the one before.
Pulses change by less than 0.1 % of a full one from the first to the last."""
LEAD_CYCLES = 2
"""Before the first wire of a run."""
WRITE_S = 0.5e-9
"""A word line of a write opens so long after its first edge, and closes so long before its last:
codes settle in the first cycle and may change with the last edge."""
ROW_F = 0.08e-15
"""Junction of a write transistor that is off, on the write bit line, estimated."""

ALIKE = 2
"""Conversions of a converter without cells that are simulated; the first differs by its start."""

Pulses = list[tuple[float, float]]
"""Begin and end of each pulse, s."""


@dataclass(frozen=True)
class Timing:
    """Cycles of a run as times of its decks."""

    control: Control
    clock_s: float
    conv_clocks: float
    sync_stages: int

    @classmethod
    def of(cls, head: ReplayedHead, control: Control) -> Timing:
        config, levels = head.config, head.design.levels
        return cls(control, config.clock_s, levels.conv_clocks, config.sync_stages)

    def at(self, cycle: float) -> float:
        """Begin of a cycle, s."""
        return (cycle - self.control.begin + LEAD_CYCLES) * self.clock_s

    @property
    def stop_s(self) -> float:
        """End of the run, s."""
        return self.at(self.control.end)

    def spans(self, spans: Sequence[Span], begin_s: float = 0.0, end_s: float = 0.0) -> Pulses:
        """Times of spans whose begin and end move by ``begin_s`` and ``end_s``."""
        return [(self.at(span.start) + begin_s, self.at(span.end) + end_s) for span in spans]

    def conversions(self, stage: str) -> Pulses:
        """Spans of ``stage``'s conversions."""
        return self.spans(self.control.phases[f"{stage}_convert"])

    def begun(self, stage: str) -> Pulses:
        """The parts of them in which pulses may begin."""
        late_s = self.conv_clocks * self.clock_s
        return self.spans(self.control.phases[f"{stage}_convert"], late_s)

    def holds(self, stage: str) -> Pulses:
        """Spans in which the converters of ``stage`` hold, the signed ones their sign, too.

        The readout looks at a sign up to ``sync_stages`` cycles behind the phase.
        """
        longer_s = self.sync_stages * self.clock_s if stage == "v" else 0.0
        hold_s = HOLD * self.clock_s
        return self.spans(self.control.phases[f"{stage}_convert"], hold_s, longer_s)


def score_line(
    head: ReplayedHead, control: Control, slot: int, gates: Sequence[Pulses], step: float
) -> Deck:
    """A column of K over the run: D rows of cells, read by the query pulses."""
    deck, timing = _started(head.design), Timing.of(head, control)
    writes = [write for write in control.k_writes if write.reaches(slot)]
    _write_line(deck, "wwl", timing, writes)
    for row in range(head.config.head_dim):
        codes = [(write.span, int(write.codes[row])) for write in control.k_writes]
        _write_row(deck, f"wb{row}", timing, codes, head.config.key_max)
        _word_line(deck, row, timing.spans(control.queries[row]))
        _cells(deck, f"s{row}", f"wl{row}", f"wb{row}", "wwl", head.score_gang)
    _converter(deck, timing, gates, "k")
    return deck.transient(f"score column {slot}", timing.stop_s, step * timing.clock_s)


def output_line(
    head: ReplayedHead,
    control: Control,
    place: tuple[int, int],
    phi: Sequence[Pulses],
    gates: Sequence[Pulses],
    step: float,
) -> Deck:
    """A line of V over the run: N columns of cells, read by the pulses of their score columns.

    Parameters
    ----------
    place : sub-tile and dimension
    phi : pulses of each column of the sub-tile
    """
    tile, row = place
    deck, timing = _started(head.design), Timing.of(head, control)
    codes = [(write.span, int(write.codes[row])) for write in control.v_writes]
    _write_row(deck, "wb", timing, codes, head.config.value_max)
    for column, pulses in enumerate(phi):
        slot = tile * head.config.columns + column
        writes = [write for write in control.v_writes if write.reaches(slot)]
        _write_line(deck, f"wwl{column}", timing, writes)
        _word_line(deck, column, pulses)
        _cells(deck, f"s{column}", f"wl{column}", "wb", f"wwl{column}", head.output_gang)
    _converter(deck, timing, gates, "v")
    what = f"output line of sub-tile {tile}, dimension {row}"
    return deck.transient(what, timing.stop_s, step * timing.clock_s)


def gate_line(head: ReplayedHead, control: Control, stage: str, step: float) -> Deck:
    """The converters without cells, which say when pulses may begin: wires gatep and gaten.

    They do the same in each conversion, so only ``ALIKE`` of them are simulated.
    """
    deck, timing = _started(head.design), Timing.of(head, control)
    levels, signed = head.design.levels, stage == "v"
    wires, bias, kind = _shared(deck, timing, stage)
    deck.source("wbidle", "wbidle", levels.middle_v)
    deck.source("wwlidle", "wwlidle", levels.write_off_v)
    for end, steer in (("p", "0"), ("n", "vconv"))[: 2 if signed else 1]:
        own = f"{steer} vconv vconv pulse{end} sign{end}" if signed else f"vconv pulse{end}"
        idle = f"0 vcells wbidle wwlidle s{end} vcells 0 cell m={levels.columns}"
        deck.add(
            f"xconv{end} bl{end} {wires} {own} done{end} {bias} vconv 0 {kind}",
            f"xbuf{end} done{end} gate{end} vconv 0 buffer",
            f"xidle{end} bl{end} {idle}",
            f".ic v(s{end})={levels.middle_v:g} v(bl{end})={levels.bit_line_v:g}",
        )
        deck.save(f"v(gate{end})")
    what = "signed converters without cells" if signed else "the score converter without cells"
    last_s = timing.conversions(stage)[:ALIKE][-1][1]
    return deck.transient(what, last_s + timing.clock_s, step * timing.clock_s)


def _started(design: Design) -> DeckText:
    deck = DeckText(design)
    deck.source("cells", "vcells", design.levels.cell_v)
    return deck


def _shared(deck: DeckText, timing: Timing, stage: str) -> tuple[str, str, str]:
    """Supplies, references and the control's wires; ports of a converter that are on them."""
    levels, phases = deck.design.levels, timing.control.phases
    for name in ("vconv", "vref"):
        deck.source(name, name, levels.logic_v)
    deck.source("mid", "vmid", levels.bit_line_v)
    reset = timing.spans(phases[f"{stage}_reset"], 0.0, -OPEN_S)
    deck.pair("reset", "resetb", levels.logic_v, reset)
    deck.pair("hold", "holdb", levels.logic_v, timing.holds(stage))
    deck.pair("conv", "convb", levels.logic_v, timing.begun(stage))
    deck.add("xref vbp vbn vref 0 references")
    wires = "reset resetb conv hold holdb"
    return (wires, "vbp vbn vmid", OUTPUT) if stage == "v" else (wires, "vbp vmid", SCORE)


def _converter(deck: DeckText, timing: Timing, gates: Sequence[Pulses], stage: str) -> None:
    """The converter of line ``bl``; ``gates`` are the pulses of gatep, and of gaten."""
    levels = deck.design.levels
    wires, bias, kind = _shared(deck, timing, stage)
    names = ["gatep", "gaten"][: len(gates)]
    for name, pulses in zip(names, gates, strict=True):
        deck.wire(name, 0, levels.logic_v, pulses)
    own = f"sign {' '.join(names)} pulse sign" if stage == "v" else f"{' '.join(names)} pulse"
    deck.add(f"xconv bl {wires} {own} done {bias} vconv 0 {kind}")
    deck.add(f".ic v(bl)={levels.bit_line_v:g}")
    deck.save("v(bl)", "v(pulse)", *(["v(sign)"] if stage == "v" else []))


def _cells(deck: DeckText, node: str, line: str, row: str, write_line: str, gang: int) -> None:
    """Cells side by side; before the first write they are at the middle, as after a power-up."""
    ports = f"bl {line} {line}b {row} {write_line} {node} vcells 0"
    deck.add(f"x{node} {ports} cell m={gang}")
    deck.add(f".ic v({node})={deck.design.levels.middle_v:g}")


def _word_line(deck: DeckText, number: int, pulses: Pulses) -> None:
    deck.pair(f"wl{number}", f"wl{number}b", deck.design.levels.cell_v, pulses)


def _write_line(deck: DeckText, name: str, timing: Timing, writes: Sequence[Write]) -> None:
    levels = deck.design.levels
    spans = timing.spans([write.span for write in writes], WRITE_S, -WRITE_S)
    deck.wire(name, levels.write_off_v, levels.write_on_v, spans)


def _write_row(
    deck: DeckText,
    name: str,
    timing: Timing,
    codes: Sequence[tuple[Span, int]],
    largest: int,
) -> None:
    """A write bit line: an ideal source behind its wire. It keeps a code until the next write."""
    levels = deck.design.levels
    scale = (levels.codes - 1) / largest
    points = [(0.0, levels.middle_v)]
    for span, code in codes:
        begin_s, volts = timing.at(span.start), levels.stored_v(code * scale)
        points += [(begin_s, points[-1][1]), (begin_s + EDGE_S, volts)]
    deck.source(f"dac{name}", f"dac{name}", points)
    cells = levels.cells_on_row
    deck.add(f"r{name} dac{name} {name} {max(1.0, cells * levels.row_ohm):g}")
    deck.add(f"c{name} {name} 0 {cells * (ROW_F + levels.row_f):g}")
