"""The results of ``gaincell bench-gpu`` as records that check themselves; needs no torch."""

from __future__ import annotations

import math
from dataclasses import MISSING, asdict, dataclass, field
from statistics import median
from typing import Any

from gaincell.tables import Table, choice, flag, is_number, number, string, whole

DTYPES = ("float16", "bfloat16", "float32")
AUTHORS_BATCH = 64
"""Sequences at once in the authors' script, which divides its times by this number."""


def _repeats() -> Any:
    wanted = "a list of numbers above 0, not empty"

    def rule(value: Any) -> tuple[bool, str] | None:
        if not isinstance(value, tuple) or not all(map(is_number, value)):
            return True, wanted
        fine = value and all(0 < each < math.inf for each in value)
        return None if fine else (False, wanted)

    return field(default=MISSING, metadata={"rule": rule})


def _batches(default: tuple[int, ...]) -> Any:
    wanted = "a list of whole numbers above 0, not empty"

    def rule(value: Any) -> tuple[bool, str] | None:
        whole_numbers = isinstance(value, tuple) and all(type(each) is int for each in value)
        if not whole_numbers:
            return True, wanted
        return None if value and min(value) > 0 else (False, wanted)

    return field(default=default, metadata={"rule": rule})


@dataclass(frozen=True, kw_only=True)
class Settings(Table):
    """What to measure; the default sizes are GPT-2's, as in the paper's comparison."""

    heads: int = whole(12, low=1)
    head_dim: int = whole(64, low=1)
    window: int = whole(1024, low=1)
    """Keys that the one new token sees."""
    batches: tuple[int, ...] = _batches((1, AUTHORS_BATCH))
    dtype: str = choice("float32", DTYPES)
    seconds: float = number(2.0, above=0)
    """Length of each measurement: about so long for time, at least so long for energy."""
    seed: int = whole(0, low=0)


@dataclass(frozen=True, kw_only=True)
class Device(Table):
    """The device that was measured."""

    kind: str = choice("cpu", ("cpu", "cuda"))
    name: str = string()
    driver: str | None = string(None)
    l2_bytes: int | None = whole(None, low=0, none=True)
    """Level-2 cache of a GPU."""
    threads: int | None = whole(None, low=1, none=True)
    """Threads that torch uses on a CPU."""


@dataclass(frozen=True, kw_only=True)
class Energy(Table):
    """Energy of a GPU's whole board, over a loop of token-steps."""

    total_j: float = number(low=0)
    seconds: float = number(above=0)
    tokens: int = whole(low=1)
    """Token-steps times the batch."""
    idle_w: float = number(low=0)
    """Power before the measurements."""

    @property
    def per_token_j(self) -> float:
        return self.total_j / self.tokens

    @property
    def per_token_above_idle_j(self) -> float:
        """Energy per token without the energy of the idle GPU in the same time."""
        return (self.total_j - self.idle_w * self.seconds) / self.tokens


@dataclass(frozen=True, kw_only=True)
class Row(Table):
    """Time, and on a GPU energy, of one token-step: one new token of each sequence of a batch."""

    label: str = choice("measured", ("measured",))
    operation: str = choice("sdpa", ("sdpa", "matmul", "sdpa, one key", "no softmax"))
    way: str = choice("eager", ("eager", "graph", "unsynchronised"))
    authors: bool = flag(False)
    """Whether the setting is the authors' script's, which is wrong on purpose."""
    device: str = choice("cpu", ("cpu", "cuda"))
    dtype: str = choice("float32", DTYPES)
    batch: int = whole(low=1)
    copies: int = whole(low=1)
    """Copies of queries, keys and values, used in turn."""
    copies_bytes: int = whole(low=1)
    """Size of all copies together."""
    steps: int = whole(low=1)
    """Token-steps of each repeat."""
    repeats_s: tuple[float, ...] = _repeats()
    """Seconds per token-step, one for each repeat."""
    energy: Energy | None = field(default=None, metadata={"rule": lambda _: None})

    @property
    def case(self) -> str:
        """The row's name."""
        if self.authors:
            return f"{self.device}, authors' setting: {self.operation}, batch {self.batch}"
        return f"{self.device}, {self.operation}, batch {self.batch}, {self.way}"

    @property
    def median_s(self) -> float:
        """Seconds per token-step."""
        return median(self.repeats_s)

    @property
    def per_token_s(self) -> float:
        """A token-step's time divided by the batch: a throughput's inverse, no latency."""
        return self.median_s / self.batch

    def as_json(self) -> dict[str, Any]:
        """All fields, and the numbers that follow from them."""
        energy = self.energy
        return asdict(self) | {
            "case": self.case,
            "median_s": self.median_s,
            "lowest_s": min(self.repeats_s),
            "highest_s": max(self.repeats_s),
            "per_token_s": self.per_token_s,
            "energy": energy
            and asdict(energy)
            | {
                "per_token_j": energy.per_token_j,
                "per_token_above_idle_j": energy.per_token_above_idle_j,
            },
        }


@dataclass(frozen=True, kw_only=True)
class Bench:
    """All results of one run of ``gaincell bench-gpu``."""

    device: Device
    versions: dict[str, str]
    settings: Settings
    idle_power_w: float | None
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
