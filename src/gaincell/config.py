"""``HeadConfig``: all numbers of one attention head that hardware, numpy and torch share."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from gaincell.cell import CELLS, Coefficients, largest_charge
from gaincell.retention import Retention
from gaincell.schedule import SCHEDULES, Schedule
from gaincell.tables import MOST_WHOLE, Table, checked, choice, flag, is_number, number, whole

READOUT_NAMES = ("popcount", "counters")
"""Names of the readouts; ``gaincell.hdl.readout.READOUTS`` has the component of each."""

MOST_SIZE, MOST_TOKENS, MOST_CYCLES = 1 << 16, 1 << 24, 1 << 16
"""Largest dimension or sub-tile, window, and phase: far beyond what can be built or simulated."""
MOST_WIRES = 1 << 20
"""Most pulses of a head, sub-tiles times dimensions: simulators take no wider vector."""
MOST_VOLTS = 1e3
MOST_COEFFICIENTS, LARGEST_COEFFICIENT = 16, 1e12


def _cell_rule(cell: Any) -> tuple[bool, str] | None:
    """Of ``HeadConfig.cell``: a name, or a polynomial of degree 1 or more."""
    names = " or ".join(f'"{name}"' for name in CELLS)
    must_be = f"{names}, or a list of two or more finite coefficients"
    if isinstance(cell, str):
        return None if cell in CELLS else (False, must_be)
    if not isinstance(cell, tuple) or not all(map(is_number, cell)):
        return True, must_be
    if len(cell) < 2 or any(isinstance(a, float) and not math.isfinite(a) for a in cell):
        return False, must_be
    low, high = 1 / LARGEST_COEFFICIENT, LARGEST_COEFFICIENT
    if len(cell) > MOST_COEFFICIENTS or not all(a == 0 or low <= abs(a) <= high for a in cell):
        return (
            False,
            f"at most {MOST_COEFFICIENTS} coefficients of a magnitude in {low:g}..{high:g}",
        )
    return None


@dataclass(frozen=True, kw_only=True)
class HeadConfig(Table):
    """Geometry, codes, cell, retention and timing of one attention head.

    Defaults are the paper's (Leroux et al., Nature Computational Science 5, 813, 2025) where it
    gives a number and this project's contract (docs/understand/contract.md) where it does not.

    Raises
    ------
    TypeError
        A field has the wrong type. All problems are reported in one message.
    ValueError
        A field is out of its range. All problems are reported in one message.
    """

    head_dim: int = whole(64, low=1, most=MOST_SIZE)
    """D, elements of a query, key or value; >= 1 (paper: 64)."""
    window: int = whole(1024, low=1, most=MOST_TOKENS)
    """M, tokens of the sliding window; a multiple of ``columns`` (paper: 1024)."""
    columns: int = whole(64, low=1, most=MOST_SIZE)
    """N, tokens stored in one sub-tile; >= 1 (paper: 64)."""
    sink: int = whole(0, low=0, most=MOST_SIZE)
    """P, first tokens of a sequence kept for ever in a sub-tile of their own; 0..columns."""

    query_bits: int = whole(4, low=1, high=8)
    """Bits of a query code, 1..8 (paper: 4)."""
    key_bits: int = whole(3, low=1, high=8)
    """Bits of a stored key code, 1..8 (paper: 3)."""
    value_bits: int = whole(3, low=1, high=8)
    """Bits of a stored value code, 1..8 (paper: 3)."""
    readout_bits: int = whole(4, low=1, high=8)
    """Magnitude bits of a read-out code, 1..8; a sign comes on top (contract: 4)."""

    cell: str | Coefficients = checked("cubic", _cell_rule)  # noqa: RUF009
    """Read response: "cubic" or "linear" (paper), or polynomial coefficients in (V - center_v)."""
    full_scale_v: float = number(0.9, above=0, most=MOST_VOLTS, unit="V")
    """Stored voltage of the largest code, V (paper: 0.9)."""
    center_v: float = number(0.45, most=MOST_VOLTS, unit="V")
    """Voltage towards which a cell leaks and about which its response is expanded, V (paper)."""
    score_saturation: float | None = number(None, above=0, unit="charge", none=True)
    """s_sat, score at which HardSigmoid reaches 1; None: 80 * D / 64 (paper: 80)."""
    output_saturation: float | None = number(None, above=0, unit="charge", none=True)
    """a_sat, charge at which a read-out saturates; None: 40 * N / 64 (paper: 40)."""

    retention_s: float = number(5e-3, above=0, unit="s")
    """tau of the cell's exponential leak, s (paper: 5 ms)."""
    token_s: float = number(0.8e-6, above=0, unit="s")
    """Time between tokens that age mode "steps" assumes, s (paper: 12 layers x 65 ns)."""
    age_mode: str = choice("steps", ("steps", "time"))
    """"steps": age counted in accepted tokens. "time": age in cycles on the wires."""
    retention_error: float | None = number(None, above=0, high=0.5, none=True)
    """Largest error of a stored value before refresh, fraction of full scale, 0..0.5;
    None: half a step of the finer of key and value codes."""
    refresh: bool = flag(True)
    """Columns are written again before ``retention_error`` is exceeded; false leaves the hardware
    for it out."""

    clock_s: float = number(1e-9, above=0, unit="s")
    """Clock period, s (paper: 1 ns)."""
    write_cycles: int = whole(10, low=1, most=MOST_CYCLES)
    """Cycles for which a column write holds codes and select; >= 1 (contract: 10)."""
    reset_cycles: int = whole(2, low=1, most=MOST_CYCLES)
    """Cycles that empty an integrator; >= 1 (contract: 2)."""
    step_cycles: int = whole(1, low=1, most=MOST_CYCLES)
    """m, cycles per step of a query pulse; >= 1 (paper: 1)."""
    late_cycles: int = whole(0, low=0, most=MOST_CYCLES)
    """Cycles of OUT before the first sample: delay of the signed converters; >= 0 (contract: 0)."""
    sync_stages: int = whole(1, low=1, high=2)
    """Sampling flops on every output pulse, 1 or 2 (contract: 1)."""
    schedule: str = choice("overlapped", SCHEDULES)
    """"sequential": one token at a time. "overlapped": tokens follow as soon as no array or
    integrator is used twice. "paired": the same with two integrators per converter."""
    readout: str = choice("popcount", READOUT_NAMES)
    """"popcount": signed popcount over sub-tiles (recommended). "counters": a counter per sub-tile
    and dimension and an adder tree (paper)."""

    def __post_init__(self) -> None:
        if isinstance(self.cell, list):
            object.__setattr__(self, "cell", tuple(self.cell))
        super().__post_init__()

    def problems_together(self) -> list[str]:
        """Sentences on fields that do not fit together; the refresh is planned if all else fits."""
        problems = []
        if self.window % self.columns:
            problems.append(
                f"window is {self.window}, but must be a multiple of columns ({self.columns})"
            )
        if self.sink > self.columns:
            problems.append(
                f"sink is {self.sink}, but must be at most columns ({self.columns}), "
                "the size of its sub-tile"
            )
        if (wires := self.tiles * self.head_dim) > MOST_WIRES:
            problems.append(
                f"head_dim is {self.head_dim} and the sub-tiles are {self.tiles}, which makes "
                f"{wires} pulses, but at most {MOST_WIRES} are possible"
            )
        if charge := self._charge_of_a_cleared_cell():
            problems.append(
                f"a cleared cell answers with charge {charge:.3g} > 0 before its refresh at "
                f"retention_error {self.retention_error_limit:.3g}, so empty slots would score; "
                "lower retention_error or choose another cell"
            )
        return problems or self._ages_too_long() or self._shortage_of_refresh()

    def _charge_of_a_cleared_cell(self) -> float:
        """Largest charge by which a cell holding code 0 adds to a score before its refresh."""
        cleared_v = -self.center_v
        aged_v = cleared_v * (1 - 2 * self.retention_error_limit)
        low_v, high_v = sorted((cleared_v, aged_v))
        return max(0.0, largest_charge(self.cell_coefficients, low_v, high_v))

    def _ages_too_long(self) -> list[str]:
        """Ages are counted in whole cycles that a double holds exactly."""
        if self.bound_cycles is None or self.bound_cycles <= MOST_WHOLE:
            return []
        most_s = self.retention_s * (MOST_WHOLE / self.bound_cycles)
        return [
            f"retention_s is {self.retention_s:g}, but must be at most {most_s:.3g}: longer ages "
            f"than {MOST_WHOLE} cycles of clock_s are not counted"
        ]

    def _shortage_of_refresh(self) -> list[str]:
        """Between two visits that claim the arrays a waiting token must find its way in."""
        plan, timing = self.retention, self.timing
        least_cycles = timing.refresh_cycles + timing.interval_cycles
        if plan is None or plan.visit_cycles >= least_cycles:
            return []
        needed_s = least_cycles * plan.visits_in_bound * self.clock_s
        return [
            f"{plan.stored_columns} columns cannot be refreshed within {self.refresh_s:.3g} s: "
            f"that leaves {plan.visit_cycles} cycles for each, but {least_cycles} are needed, "
            f"{needed_s:.3g} s in all; raise retention_s or retention_error, "
            "lower window or clock_s, or set refresh to false"
        ]

    @property
    def query_max(self) -> int:
        """Largest query code."""
        return (1 << self.query_bits) - 1

    @property
    def key_max(self) -> int:
        """Largest key code."""
        return (1 << self.key_bits) - 1

    @property
    def value_max(self) -> int:
        """Largest value code."""
        return (1 << self.value_bits) - 1

    @property
    def readout_max(self) -> int:
        """n, largest magnitude of one sub-tile's code, and samples of the output phase."""
        return (1 << self.readout_bits) - 1

    @property
    def ring_tiles(self) -> int:
        """L, sub-tiles of the ring."""
        return self.window // self.columns

    @property
    def tiles(self) -> int:
        """All sub-tiles: the ring's, then the sink's if there is one."""
        return self.ring_tiles + (self.sink > 0)

    @property
    def stored_columns(self) -> int:
        """M + P, tokens that the arrays hold at most: the window's and the sink's."""
        return self.window + self.sink

    @property
    def slots(self) -> int:
        """Columns of all sub-tiles; those beyond ``stored_columns``, in the sink's, do not exist.

        Slot tile * columns + column is a place in the arrays; ``slot_of`` gives a token's.
        """
        return self.tiles * self.columns

    def slot_of(self, position: Any) -> Any:
        """Slot of the token at ``position`` >= 0 of its sequence: an int, or an array of them.

        Token t goes to slot t mod M of the ring, a sink token p to slot M + p. Written so that it
        holds for ints, numpy arrays and torch tensors of integers alike: p is below M.
        """
        return position % self.window + self.window * (position < self.sink)

    def place_of(self, slot: int) -> tuple[int, int]:
        """Sub-tile and column of a slot; the sink's sub-tile is the last."""
        return divmod(slot, self.columns)

    @property
    def result_max(self) -> int:
        """Largest magnitude of a head output: every sub-tile at full scale."""
        return self.tiles * self.readout_max

    @property
    def result_width(self) -> int:
        """Bits of a signed head output."""
        return self.result_max.bit_length() + 1

    @property
    def pulse_cycles(self) -> int:
        """Cycles of a full query pulse, and of the QK and the AV phase."""
        return self.step_cycles * self.query_max

    @property
    def cell_coefficients(self) -> Coefficients:
        """a_i of the read response sum_i a_i * (V - center_v)^i, charge of a full pulse."""
        return CELLS[self.cell] if isinstance(self.cell, str) else self.cell

    @property
    def s_sat(self) -> float:
        """Score at which HardSigmoid reaches 1."""
        return 80 * self.head_dim / 64 if self.score_saturation is None else self.score_saturation

    @property
    def a_sat(self) -> float:
        """Charge at which a sub-tile's output saturates."""
        return 40 * self.columns / 64 if self.output_saturation is None else self.output_saturation

    @property
    def decay_rate(self) -> float:
        """Exponent of the leak per unit of age, a token or a cycle: e^-rate of V - center_v stays.

        Ages are counted in ``token_s`` with age mode "steps", in ``clock_s`` with "time".
        """
        unit_s = self.clock_s if self.age_mode == "time" else self.token_s
        return unit_s / self.retention_s

    @property
    def decay_per_token(self) -> float:
        """gamma, what one token time leaves of (V - center_v)."""
        return math.exp(-self.token_s / self.retention_s)

    @property
    def retention_error_limit(self) -> float:
        """``retention_error`` with its default resolved, fraction of full scale."""
        if self.retention_error is not None:
            return self.retention_error
        return 1 / (2 * max(self.key_max, self.value_max))

    @property
    def refresh_s(self) -> float:
        """Age at which a stored value must be refreshed, s; infinite if any error is allowed."""
        remaining = 1 - 2 * self.retention_error_limit
        return -self.retention_s * math.log(remaining) if remaining > 0 else math.inf

    @property
    def bound_cycles(self) -> int | None:
        """Age in whole cycles up to which a stored value may be read; None: any age will do."""
        return None if math.isinf(self.refresh_s) else math.floor(self.refresh_s / self.clock_s)

    @cached_property
    def retention(self) -> Retention | None:
        """When each column is refreshed, in cycles; None: never."""
        if self.bound_cycles is None or not self.refresh:
            return None
        return Retention.plan(
            stored_columns=self.stored_columns,
            bound_cycles=self.bound_cycles,
            refresh_cycles=self.timing.refresh_cycles,
        )

    @cached_property
    def timing(self) -> Schedule:
        """Phases of a token, initiation interval, latency and result places, in cycles."""
        return Schedule.plan(
            self.schedule,
            write_cycles=self.write_cycles,
            reset_cycles=self.reset_cycles,
            pulse_cycles=self.pulse_cycles,
            readout_cycles=self.readout_max,
            sync_stages=self.sync_stages,
            late_cycles=self.late_cycles,
        )

    @property
    def interval_cycles(self) -> int:
        """Initiation interval: least cycles between two accepted tokens of a sequence."""
        return self.timing.interval_cycles

    @property
    def latency_cycles(self) -> int:
        """Cycles from a token's accept to its valid result, consumer ready, no clear."""
        return self.timing.latency_cycles

    @property
    def stopped_after_cycles(self) -> int:
        """Cycles without a result after which a test bench says that the head has stopped.

        Four times the latency of a token that starts a sequence; waits that the test bench itself
        puts before tokens and results come on top.
        """
        return 4 * (self.timing.latency_cycles + self.timing.clear_cycles)

    def fields_set(self) -> dict[str, object]:
        """Fields that differ from their default, in declaration order."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != field.default
        }


PRESETS: dict[str, HeadConfig] = {
    "gpt2": HeadConfig(),
    "tiny": HeadConfig(head_dim=8, window=16, columns=4),
}
"""Named configurations: "gpt2" is the paper's head, "tiny" one that simulates in a moment."""
