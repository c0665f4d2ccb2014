"""What a run's pulses and codes should be: by the contract, and with what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaincell.config import HeadConfig
from gaincell.schedule import Span
from gaincell.spice.replay.columns import column_lines
from gaincell.spice.replay.head import ReplayedHead
from gaincell.spice.replay.sampled import Codes, ruled_codes
from gaincell.spice.replay.wires import BROADCAST, Control, Write
from gaincell.spice.waves import Floats


@dataclass(frozen=True)
class Stored:
    """Codes and ages of an array's columns at each read.

    codes : (reads, slots, D)
    age_cycles : (reads, slots) since the end of the write
    """

    codes: Codes
    age_cycles: Codes


@dataclass(frozen=True)
class Expected:
    """Pulses of the score columns and codes of the output lines.

    phi : (reads, slots) fraction of a full pulse
    lengths : (reads, tiles, D) signed output pulses, clocks
    codes : (reads, tiles, D)
    """

    phi: Floats
    lengths: Floats
    codes: Codes


def stored(writes: Sequence[Write], reads: Sequence[Span], config: HeadConfig) -> Stored:
    """What the columns hold when each of ``reads`` begins; 0 before their first write."""
    codes = np.zeros((len(reads), config.slots, config.head_dim), dtype=np.int64)
    age = np.zeros((len(reads), config.slots), dtype=np.int64)
    for place, read in enumerate(reads):
        for write in writes:
            if write.span.end <= read.start:
                slots = slice(None) if write.slot == BROADCAST else write.slot
                codes[place, slots] = write.codes
                age[place, slots] = read.start - write.span.end
    return Stored(codes, age)


def query_widths(control: Control) -> Codes:
    """Lengths (reads, D) of the query pulses, in cycles."""
    return np.array(
        [
            [
                sum(span.cycles for span in spans if read.start <= span.start < read.end)
                for spans in control.queries
            ]
            for read in control.phases["k_integrate"]
        ],
        dtype=np.int64,
    )


def by_contract(head: ReplayedHead, control: Control) -> Expected:
    """The arithmetic of the contract; the codes are those of the arrays without faults."""
    config = head.config
    keys, _ = _both(control, config)
    widths = query_widths(control) / config.pulse_cycles
    charge = _charges(keys, config.key_max, config)
    score = np.einsum("qsd,qd->qs", charge, widths)
    return fed_by(head, control, np.clip(score / config.s_sat, 0, 1) * _exists(config))


def fed_by(head: ReplayedHead, control: Control, phi: Floats) -> Expected:
    """The contract's outputs for given pulses (reads, slots) of the score columns."""
    config = head.config
    _, values = _both(control, config)
    charge = _charges(values, config.value_max, config)
    total = _per_tile(charge * phi[:, :, None], config)
    lengths = config.readout_max * np.clip(total / config.a_sat, -1, 1)
    return Expected(phi, lengths, ruled_codes(lengths, config.readout_max))


def as_measured(head: ReplayedHead, control: Control) -> Expected:
    """Instead of the saturations the lines through the record's random columns.

    They hold what the contract lacks: the charge of a pulse whatever its width, and a current
    that falls as the bit line moves.
    """
    config, record = head.config, head.record
    keys, values = _both(control, config)
    widths = query_widths(control) / config.pulse_cycles
    charge = np.einsum("qsd,qd->qs", _charges(keys, config.key_max, config), widths)
    pulse_s = column_lines(record, "score")(charge * head.score_gang)
    pulse_s = np.maximum(pulse_s, 0) * _exists(config)
    full_query_s = config.pulse_cycles * config.clock_s
    charge = _charges(values, config.value_max, config) * (pulse_s / full_query_s)[:, :, None]
    length_s = column_lines(record, "output")(_per_tile(charge, config) * head.output_gang)
    lengths = length_s / config.clock_s
    return Expected(pulse_s / full_s_of(record), lengths, ruled_codes(lengths, config.readout_max))


def full_s_of(record: Mapping[str, Any]) -> float:
    """Length of a full pulse of the score converter, s: phi of 1."""
    return float(record["score"]["full_s"])


def _both(control: Control, config: HeadConfig) -> tuple[Stored, Stored]:
    phases = control.phases
    return (
        stored(control.k_writes, phases["k_integrate"], config),
        stored(control.v_writes, phases["v_integrate"], config),
    )


def _charges(held: Stored, largest: int, config: HeadConfig) -> Floats:
    """Charge (reads, slots, D) of a full pulse, aged on the clock."""
    volts = config.full_scale_v * held.codes / largest - config.center_v
    left = np.exp(-config.decay_rate * held.age_cycles)[:, :, None]
    charge: Floats = np.polynomial.polynomial.polyval(volts * left, config.cell_coefficients)
    return charge


def _exists(config: HeadConfig) -> NDArray[np.bool_]:
    return np.arange(config.slots) < config.stored_columns


def _per_tile(charge: Floats, config: HeadConfig) -> Floats:
    """Sum (reads, tiles, D) over the columns of each sub-tile of charges (reads, slots, D)."""
    shape = (len(charge), config.tiles, config.columns, config.head_dim)
    total: Floats = charge.reshape(shape).sum(axis=2)
    return total
