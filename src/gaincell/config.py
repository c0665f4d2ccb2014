"""One attention head: every number that hardware, numpy and torch must agree on."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from gaincell.cell import CELLS, Coefficients
from gaincell.config_checks import problems_of
from gaincell.retention import Retention, bound_cycles
from gaincell.schedule import Schedule


@dataclass(frozen=True, kw_only=True)
class HeadConfig:
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

    head_dim: int = 64
    """D, elements of a query, key or value; >= 1 (paper: 64)."""
    window: int = 1024
    """M, tokens of the sliding window; a multiple of ``columns`` (paper: 1024)."""
    columns: int = 64
    """N, tokens stored in one sub-tile; >= 1 (paper: 64)."""
    sink: int = 0
    """P, first tokens of a sequence kept for ever in a sub-tile of their own; 0..columns."""

    query_bits: int = 4
    """Bits of a query code, 1..8 (paper: 4)."""
    key_bits: int = 3
    """Bits of a stored key code, 1..8 (paper: 3)."""
    value_bits: int = 3
    """Bits of a stored value code, 1..8 (paper: 3)."""
    readout_bits: int = 4
    """Magnitude bits of a read-out code, 1..8; a sign comes on top (contract: 4)."""

    cell: str | Coefficients = "cubic"
    """Read response: "cubic" or "linear" (paper), or polynomial coefficients in (V - center_v)."""
    full_scale_v: float = 0.9
    """Stored voltage of the largest code, V (paper: 0.9)."""
    center_v: float = 0.45
    """Voltage towards which a cell leaks and about which its response is expanded, V (paper)."""
    score_saturation: float | None = None
    """s_sat, score at which HardSigmoid reaches 1; None: 80 * D / 64 (paper: 80)."""
    output_saturation: float | None = None
    """a_sat, charge at which a read-out saturates; None: 40 * N / 64 (paper: 40)."""

    retention_s: float = 5e-3
    """tau of the cell's exponential leak, s (paper: 5 ms)."""
    token_s: float = 0.8e-6
    """Time between tokens that age mode "steps" assumes, s (paper: 12 layers x 65 ns)."""
    age_mode: str = "steps"
    """"steps": age counted in accepted tokens. "time": age in cycles on the wires."""
    retention_error: float | None = None
    """Largest error of a stored value before refresh, fraction of full scale, 0..0.5;
    None: half a step of the finer of key and value codes."""
    refresh: bool = True
    """Columns are written again before ``retention_error`` is exceeded; false leaves the hardware
    for it out."""

    clock_s: float = 1e-9
    """Clock period, s (paper: 1 ns)."""
    write_cycles: int = 10
    """Cycles for which a column write holds codes and select; >= 1 (contract: 10)."""
    reset_cycles: int = 2
    """Cycles that empty an integrator; >= 1 (contract: 2)."""
    step_cycles: int = 1
    """m, cycles per step of a query pulse; >= 1 (paper: 1)."""
    sync_stages: int = 1
    """Sampling flops on every output pulse, 1 or 2 (contract: 1)."""
    schedule: str = "overlapped"
    """"sequential": one token at a time. "overlapped": tokens follow as soon as no array or
    integrator is used twice. "paired": the same with two integrators per converter."""
    readout: str = "popcount"
    """"popcount": signed popcount over sub-tiles (recommended). "counters": a counter per sub-tile
    and dimension and an adder tree (paper)."""

    def __post_init__(self) -> None:
        if isinstance(self.cell, list):
            object.__setattr__(self, "cell", tuple(self.cell))
        problems_of(self).raise_any()

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
        """n, largest magnitude of one sub-tile's code, and cycles of the output phase."""
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
        """Age in cycles beyond which a stored value must not be read; None: any age will do."""
        return bound_cycles(self)

    @cached_property
    def retention(self) -> Retention | None:
        """When each column is refreshed, in cycles; None: never."""
        return Retention.of(self)

    @cached_property
    def timing(self) -> Schedule:
        """Phases of a token, initiation interval, latency and result places, in cycles."""
        return Schedule.of(self)

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
