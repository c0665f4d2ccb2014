"""What a run file says: each table of run.toml as a small dataclass."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, cast

from gaincell.behavioral.faults import Faults
from gaincell.tables import (
    Table,
    build,
    choice,
    flag,
    number,
    pair,
    read_toml,
    string,
    unknown_key,
    whole,
)


@dataclass(frozen=True, kw_only=True)
class Run(Table):
    """[run]: where the run is kept, and how often."""

    folder: str = string()
    """Of the run: checkpoints, metrics.json, the model; made if it is not there."""
    seed: int = whole(0, low=0)
    """Of the data's order and of dropout."""
    checkpoint_every: int = whole(100, low=1)
    """Steps; the last step of a stage has one in any case."""
    keep: int = whole(2, low=1)
    """Checkpoints kept."""
    evaluate_every: int = whole(100, low=1)
    """Steps between scores on [held_out]; the last step of a stage has one in any case."""
    tensorboard: bool = flag(True)
    """Write curves into the folder's tensorboard/."""


@dataclass(frozen=True, kw_only=True)
class Model(Table):
    """[model]: what is trained."""

    name: str = string()
    """As --model of ``gaincell convert``: a stock model, or one already converted."""
    config: str | None = string(None)
    """Preset or TOML file of the head; a converted model has its own."""
    layers: str | None = string(None)
    """To convert, such as "0,3,10-15"; None: all. Only for a stock model."""
    fit_windows: int = whole(4, low=1)
    """Windows of the data that the scalers of a stock model are fitted on."""


@dataclass(frozen=True, kw_only=True)
class Source(Table):
    """Where tokens come from: one of text, token_file and hub."""

    text: str | None = string(None)
    """File, UTF-8."""
    token_file: str | None = string(None)
    """File that ``gaincell tokens`` wrote."""
    hub: str | None = string(None)
    """Name of a data set on a hub, or a folder of one."""
    subset: str | None = string(None)
    """Of the hub's data set."""
    split: str = string("train")
    """Of the hub's data set."""
    column: str = string("text")
    """Of the hub's data set, with one text a row."""
    skip: int = whole(0, low=0)
    """Tokens left out at the beginning."""
    tokens: int | None = whole(None, low=1, none=True)
    """Tokens used after those; None: all."""

    @property
    def sources(self) -> list[str]:
        """Names of the keys that say where the tokens come from."""
        return [each for each in ("text", "token_file", "hub") if getattr(self, each) is not None]


@dataclass(frozen=True, kw_only=True)
class Data(Source):
    """[data]: what is learnt from."""

    window: int = whole(512, low=2)
    """Tokens the model reads at once."""


@dataclass(frozen=True, kw_only=True)
class HeldOut(Source):
    """[held_out]: text to score while training; without a source, that of [data]."""

    windows: int | None = whole(None, low=1, none=True)
    """How many, of as many tokens as those of [data]; None: all."""


@dataclass(frozen=True, kw_only=True)
class Training(Table):
    """[training]: what all stages share."""

    batch: int = whole(1, low=1)
    """Windows that one process reads at once."""
    accumulation: int = whole(1, low=1)
    """Batches of one step."""
    train: str = choice("all", ("all", "attention", "scalers"))
    """Parameters that learn: all, the layers' on the arrays, or those layers' scalers."""
    bf16: bool = flag(False)
    """The model's own products in bfloat16; scalers and arrays stay in float32."""
    matmul_precision: str = choice("highest", ("highest", "high", "medium"))
    """Of products in float32, as torch.set_float32_matmul_precision."""
    activation_checkpointing: bool = flag(False)
    """Less memory, more time."""
    device: str = choice("auto", ("auto", "cpu"))
    """auto: a GPU, if there is one."""


@dataclass(frozen=True, kw_only=True)
class Teacher(Table):
    """[teacher]: distillation from a stock model's logits."""

    name: str | None = string(None)
    """As --model of ``gaincell convert``; None: the stock model that is trained."""
    weight: float = number(0.5, above=0.0, high=1.0)
    """Of the teacher's loss; 1 - weight is that of the text's."""
    temperature: float = number(1.0, above=0.0)
    """Divides both models' logits."""


@dataclass(frozen=True, kw_only=True)
class Stage(Table):
    """[linear] or [nonlinear]: a training with AdamW; most defaults are the paper's."""

    steps: int = whole(low=1)
    learning_rate: float = number(6e-4, above=0.0)
    """After the warm-up."""
    scaler_learning_rate: float | None = number(None, above=0.0, none=True)
    """Of the scalers; None: as all others."""
    final_ratio: float = number(0.1, low=0.0, high=1.0)
    """Learning rate at the last step over that after the warm-up; a cosine between."""
    warmup: int = whole(0, low=0)
    """Steps of growing learning rate."""
    betas: tuple[float, float] = pair((0.9, 0.95), below=1.0)
    weight_decay: float = number(0.1, low=0.0)
    """None of it on scalers, norms and biases."""
    clip: float = number(1.0, above=0.0)
    """Largest norm of a gradient."""


@dataclass(frozen=True, kw_only=True)
class Adapt(Table):
    """[adapt]: the real cell's scalers from the linear model's, see ``ml.matching``."""

    windows: int = whole(4, low=1)
    """Of the data, read at once."""
    iterations: int = whole(100, low=1)
    tolerance: float = number(1e-4, above=0.0)


@dataclass(frozen=True, kw_only=True)
class ArrayFaults(Faults):
    """[faults]: those of ``behavioral.faults``, and their seed."""

    seed: int = whole(0, low=0)

    @property
    def sizes(self) -> Faults:
        """The faults without the seed."""
        return Faults(**{each.name: getattr(self, each.name) for each in fields(Faults)})


@dataclass(frozen=True, kw_only=True)
class RunFile:
    """All tables of a run file.

    Raises
    ------
    ValueError
        Tables that do not fit together, all of them in one message.
    """

    run: Run
    model: Model
    data: Data
    training: Training = Training()
    held_out: HeldOut | None = None
    teacher: Teacher | None = None
    linear: Stage | None = None
    adapt: Adapt | None = None
    nonlinear: Stage | None = None
    faults: ArrayFaults | None = None

    def __post_init__(self) -> None:
        found = []
        if len(self.data.sources) != 1:
            found.append("[data] needs one of text, token_file and hub")
        if self.held_out is not None and len(self.held_out.sources) > 1:
            found.append("[held_out] needs at most one of text, token_file and hub")
        if not self.stages:
            found.append("there is nothing to train: give [nonlinear], [linear] or both")
        if self.adapt is not None and self.nonlinear is None:
            found.append("[adapt] is given, but no [nonlinear] that it would lead to")
        for name, stage in self.stages:
            if stage.warmup > stage.steps:
                found.append(
                    f"[{name}] warmup is {stage.warmup}, but must be at most steps, {stage.steps}"
                )
        if self.faults is not None and self.training.activation_checkpointing:
            found.append(
                "[training] activation_checkpointing would draw the noise of [faults] twice: leave "
                "out one of them"
            )
        if found:
            raise ValueError("; ".join(found))

    @property
    def stages(self) -> list[tuple[str, Stage]]:
        """Those that are trained, by name, in order."""
        both = (("linear", self.linear), ("nonlinear", self.nonlinear))
        return [(name, stage) for name, stage in both if stage is not None]

    def as_tables(self) -> dict[str, Any]:
        """Every key of every table, for JSON; None for a table that is not there."""
        return {
            name: table and {key: _plain(value) for key, value in table.items()}
            for name, table in asdict(self).items()
        }


TABLES: dict[str, type[Any]] = {
    "run": Run,
    "model": Model,
    "data": Data,
    "training": Training,
    "held_out": HeldOut,
    "teacher": Teacher,
    "linear": Stage,
    "adapt": Adapt,
    "nonlinear": Stage,
    "faults": ArrayFaults,
}


def load_run_file(path: Path) -> RunFile:
    """The run file of that path.

    Raises
    ------
    TypeError, ValueError
        It cannot be read, or anything in it is wrong: all that is found, in one message.
    """
    tables = read_toml(path, "run file")
    found = [unknown_key(key, TABLES) for key in tables if key not in TABLES]
    needed = [each.name for each in fields(RunFile)[:3]]
    found += [f"table [{name}] is missing" for name in needed if name not in tables]
    built: dict[str, Any] = {}
    for name, table in tables.items():
        if name in TABLES:
            try:
                built[name] = build(TABLES[name], table, name)
            except (TypeError, ValueError) as error:
                found.append(str(error))
    if not found:
        try:
            return RunFile(**built)
        except ValueError as error:
            found.append(str(error))
    raise ValueError(f"run file {path}: {'; '.join(found)}")


def differences(now: RunFile, before: RunFile) -> list[str]:
    """Which keys of two run files differ, and how."""
    found = []
    for name, table in now.as_tables().items():
        other = before.as_tables()[name]
        if (table is None) != (other is None):
            found.append(f"[{name}] is {'new' if other is None else 'gone'}")
            continue
        for key, value in (table or {}).items():
            was = cast(dict[str, Any], other)[key]
            if value != was:
                found.append(f"[{name}] {key} is {value!r} and was {was!r}")
    return found


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
