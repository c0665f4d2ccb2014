"""Sizes of the run, plan.toml in its prepared folder: how much text, how many steps."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from gaincell.config import HeadConfig
from gaincell.config_file import load_config
from gaincell.tables import (
    Table,
    build,
    checked,
    flag,
    number,
    read_toml,
    string,
    unknown_keys,
    whole,
)

PLAN = "plan.toml"
TRAININGS = {
    "distilled": "stage 2, distilled from the start",
    "stock": "the stock model, trained alike",
    "paper": "the paper's recipe",
}
STOCK_LEARNS_NOTHING = "at teacher weight 1 the stock model's gradient is zero"


def _trainings(default: tuple[str, ...]) -> Any:
    """Field of some of ``TRAININGS``, each once."""
    wanted = f"a list of some of {', '.join(TRAININGS)}"

    def rule(value: Any) -> tuple[bool, str] | None:
        if not isinstance(value, tuple):
            return True, wanted
        known = set(value) <= set(TRAININGS) and len(set(value)) == len(value)
        return None if known else (False, wanted)

    return checked(default, rule)


@dataclass(frozen=True, kw_only=True)
class Bench(Table):
    """[bench]: attention alone."""

    seconds: float = number(2.0, above=0.0)
    """Of each measurement of ``gaincell bench-gpu``."""
    tiny: bool = flag(False)
    """The smallest sizes, to try the program and not the device."""


@dataclass(frozen=True, kw_only=True)
class Start(Table):
    """[start]: the closed-form start of all layers, with alignment."""

    windows: int = whole(192, low=2)
    align_tokens: int = whole(131_072, low=0)
    """Tokens on which each layer is aligned; of 30 layers, 4 million in all."""
    align_batch: int = whole(4096, low=1)
    """Tokens of each step of the alignment: 32 steps, by default."""
    recent: int = whole(32, low=0)
    rounds: int = whole(12, low=0)
    keep_mb: float = number(40.0, low=0.0)
    """Most megabytes of the start's own small file, for a later machine; 0: there is none."""
    seed: int = whole(0, low=0)


@dataclass(frozen=True, kw_only=True)
class Training(Table):
    """[training]: distillation of the start, and beside it the stock model and the paper's way."""

    which: tuple[str, ...] = _trainings(("distilled",))
    """Which are made: distilled, stock, paper."""
    tokens: int = whole(20_000_000, low=1)
    """Tokens of each training, if the time is enough."""
    seconds: float = number(300.0, above=0.0)
    """Of each training, without its scores: it makes as many steps as its speed allows in them."""
    reserve_s: float | None = number(None, above=0.0, none=True)
    """Seconds of a call beside a training's steps, for loading, scores and small files: with it, a
    training that begins makes no more steps than this call allows. None: the next call goes on."""
    batch: int = whole(16, low=1)
    """Windows at once; halved while memory does not suffice."""
    step_windows: int = whole(16, low=1)
    """Windows of one step; a multiple of ``batch``."""
    trial_steps: int = whole(5, low=3)
    """Steps in which the speed is measured; the first two do not count."""
    learning_rate: float = number(2e-4, above=0.0)
    map_rate: float = number(2e-4, above=0.0)
    """Learning rate of the start's maps."""
    final_ratio: float = number(0.05, low=0.0, high=1.0)
    """Rates of the last step over the first ones."""
    paper_rate: float = number(6e-4, above=0.0)
    paper_scaler_rate: float = number(2e-3, above=0.0)
    paper_linear: float = number(0.3, above=0.0, high=0.9)
    """Part of the paper's steps that train the linear cell."""
    teacher_weight: float = number(1.0, above=0.0, high=1.0)
    """Of all trainings; the text's own loss has the rest."""
    bf16: bool = flag(True)
    matmul_precision: str = string("highest")
    """Of products in float32: beside bf16, those of the maps' and arrays' gradients."""
    checkpoint_every: int = whole(500, low=1)
    seed: int = whole(0, low=0)

    def problems_together(self) -> list[str]:
        if self.step_windows % self.batch:
            return [f"step_windows is {self.step_windows}, but must be a multiple of batch"]
        if "stock" in self.which and self.teacher_weight == 1.0:
            return [f"which names stock, but {STOCK_LEARNS_NOTHING}: leave it out"]
        return []


@dataclass(frozen=True, kw_only=True)
class Scores(Table):
    """[scores]: perplexities on texts that nothing was fitted on."""

    windows: int = whole(8, low=2)
    """Windows of each text and length: half the plan's window, the window, and twice."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """plan.toml; ``head`` and ``paper_head`` are configs beside it, or presets.

    difference_mb : most megabytes of the file with the trained model's difference
    """

    model: str = "smollm2"
    head: str = "head.toml"
    paper_head: str = "gpt2"
    window: int = 1024
    difference_mb: float = 15.0
    bench: Bench = field(default_factory=Bench)
    start: Start = field(default_factory=Start)
    training: Training = field(default_factory=Training)
    scores: Scores = field(default_factory=Scores)


TABLES = {"bench": Bench, "start": Start, "training": Training, "scores": Scores}


def load_plan(path: Path) -> Plan:
    """The plan in a file.

    Raises
    ------
    TypeError, ValueError
        The file cannot be read, or holds errors.
    """
    given = read_toml(path, "plan")
    wrong = unknown_keys(given, [each.name for each in fields(Plan)])
    if wrong:
        raise ValueError(f"plan {path}: {'; '.join(wrong)}")
    for name, kind in (("model", str), ("head", str), ("paper_head", str), ("window", int)):
        if name in given and not isinstance(given[name], kind):
            raise TypeError(f"plan {path}: {name} is {given[name]!r}, but must be {kind.__name__}")
    built: dict[str, Any] = {
        name: build(kind, given.get(name, {}), name) for name, kind in TABLES.items()
    }
    return Plan(**given | built)


def config_of(folder: Path, name: str) -> HeadConfig:
    """A head of the plan in ``folder``: a preset, or a file there."""
    return load_config(folder / name if (folder / name).is_file() else name)
