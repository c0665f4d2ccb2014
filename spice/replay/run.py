"""A replay: all chosen lines of a head, score columns first, then the lines that they drive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from gaincell.files import replacing
from gaincell.spice.ngspice import Deck, NoResult, TooSlow, simulate
from gaincell.spice.raw_file import Waves
from gaincell.spice.replay.decks import (
    STEPS,
    Pulses,
    Timing,
    gate_line,
    output_line,
    score_line,
)
from gaincell.spice.replay.expected import Expected, as_measured, by_contract, fed_by, full_s_of
from gaincell.spice.replay.head import ReplayedHead
from gaincell.spice.replay.sampled import (
    Codes,
    gates_of,
    lengths_of,
    pulses_of,
    ruled_codes,
    sampled_codes,
    signed_lengths,
)
from gaincell.spice.replay.wires import Control
from gaincell.spice.waves import Floats

Step = Callable[[str], None]


@dataclass(frozen=True)
class Chosen:
    """Lines that are simulated.

    slots : score columns
    lines : sub-tile and dimension of the output lines
    """

    slots: list[int]
    lines: list[tuple[int, int]]

    @property
    def decks(self) -> int:
        """Number of simulations: those without cells are two more."""
        return 2 + len(self.slots) + len(self.lines)


@dataclass(frozen=True)
class Example:
    """One read with waves of a score column and of an output line, for the picture."""

    read: int
    slot: int
    line: tuple[int, int]
    waves: dict[str, Waves]


@dataclass(frozen=True)
class Replayed:
    """What the transistors did.

    phi : (reads, columns) pulses of the chosen score columns, fraction of a full one
    lengths : (reads, lines) signed pulses of the chosen output lines, clocks
    sampled : (reads, lines) codes at the Verilog's sampling edges
    arrays, measured : what was to be expected, of the whole head
    fed : by the contract from the transistors' phi pulses on: what the second stage should do
    """

    head: ReplayedHead
    chosen: Chosen
    timing: Timing
    phi: Floats
    lengths: Floats
    sampled: Codes
    arrays: Expected
    measured: Expected
    fed: Expected
    example: Example

    @property
    def ruled(self) -> Codes:
        """Codes of the pulses' lengths, without any clock."""
        return ruled_codes(self.lengths, self.head.config.readout_max)

    def codes_of(self, expected: Expected) -> Codes:
        """Expected codes (reads, lines) of the chosen lines."""
        return np.stack([expected.codes[:, tile, row] for tile, row in self.chosen.lines], axis=1)

    def lengths_of(self, expected: Expected) -> Floats:
        """Expected signed pulses (reads, lines) of the chosen lines, clocks."""
        return np.stack([expected.lengths[:, tile, row] for tile, row in self.chosen.lines], axis=1)

    def phi_of(self, expected: Expected) -> Floats:
        """Expected pulses (reads, columns) of the chosen columns."""
        found: Floats = expected.phi[:, self.chosen.slots]
        return found


def replay(
    head: ReplayedHead,
    control: Control,
    chosen: Chosen,
    *,
    decks: Path | None = None,
    step: Step = lambda name: None,
) -> Replayed:
    """Simulate the chosen lines over a whole run.

    Parameters
    ----------
    decks : folder that keeps every deck
    step : called with the name of a deck when its simulation has ended

    Raises
    ------
    NoResult
        A simulation failed.
    """
    timing, config = Timing.of(head, control), head.config
    level, phases = head.design.levels.logic_v / 2, control.phases["v_convert"]
    arrays, measured = by_contract(head, control), as_measured(head, control)
    example = _example(arrays, chosen, head)

    def run(name: str, deck_of: Callable[[float], Deck]) -> Waves:
        waves = _waves(name, deck_of, decks)
        step(name)
        return waves

    gates = {}
    for stage in ("k", "v"):
        waves = run(f"gates_{stage}", partial(gate_line, head, control, stage))
        gates[stage] = gates_of(waves, timing, stage, level)
    score_spans, output_spans = timing.conversions("k"), timing.conversions("v")
    phi_s: dict[int, Pulses] = {}
    phi = []
    for slot in chosen.slots:
        waves = run(f"score_{slot}", partial(score_line, head, control, slot, gates["k"]))
        phi_s[slot] = pulses_of(waves, "v(pulse)", level)
        phi.append(lengths_of(waves, score_spans, level) / full_s_of(head.record))
        if slot == example.slot:
            example.waves["score"] = waves
    driving = arrays.phi.copy()
    driving[:, chosen.slots] = np.stack(phi, axis=1)
    lengths: list[Floats] = []
    sampled: list[Codes] = []
    for tile, row in chosen.lines:
        slots = range(tile * config.columns, (tile + 1) * config.columns)
        driven = [
            phi_s[slot] if slot in phi_s else _ideal(arrays.phi[:, slot], gates["k"][0], head)
            for slot in slots
        ]
        deck_of = partial(output_line, head, control, (tile, row), driven, gates["v"])
        waves = run(f"output_{tile}_{row}", deck_of)
        lengths.append(signed_lengths(waves, output_spans, level) / config.clock_s)
        sampled.append(
            sampled_codes(
                waves,
                timing,
                phases,
                config.readout_max,
                config.sync_stages,
                level,
                config.late_cycles,
            )
        )
        if (tile, row) == example.line:
            example.waves["output"] = waves
    return Replayed(
        head,
        chosen,
        timing,
        np.stack(phi, axis=1),
        np.stack(lengths, axis=1),
        np.stack(sampled, axis=1),
        arrays,
        measured,
        fed_by(head, control, driving),
        example,
    )


def _waves(name: str, deck_of: Callable[[float], Deck], folder: Path | None) -> Waves:
    """Waves of a deck with the longest step that finds a solution; ``folder`` keeps the deck."""
    for step in STEPS:
        deck = deck_of(step)
        if folder is not None:
            with replacing(folder / f"{name}.sp") as unfinished:
                unfinished.write_text(deck.text)
        try:
            return simulate(deck)
        except TooSlow:
            raise
        except NoResult:
            if step == STEPS[-1]:
                raise
    raise AssertionError("STEPS is empty")


def _ideal(phi: Floats, gate: Pulses, head: ReplayedHead) -> Pulses:
    """Pulses of a column that is not simulated, from when its gate opens."""
    full_s = full_s_of(head.record)
    return [
        (begin_s, begin_s + float(part) * full_s)
        for (begin_s, _), part in zip(gate, phi, strict=True)
        if part > 0
    ]


def _example(arrays: Expected, chosen: Chosen, head: ReplayedHead) -> Example:
    """The read whose pulses, of a column and of a line that it drives, are closest to one half."""
    largest, columns = head.config.readout_max, head.config.columns

    def far(read: int, slot: int, line: tuple[int, int]) -> float:
        length = abs(float(arrays.lengths[read, *line])) / largest
        return abs(length - 0.5) + abs(float(arrays.phi[read, slot]) - 0.5)

    pairs = [(s, line) for s in chosen.slots for line in chosen.lines if s // columns == line[0]]
    pairs = pairs or [(chosen.slots[0], chosen.lines[0])]
    reads = range(len(arrays.phi))
    _, read, slot, line = min(
        (far(read, slot, line), read, slot, line) for read in reads for slot, line in pairs
    )
    return Example(read, slot, line, {})
