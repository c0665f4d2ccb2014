"""The tables of a run file, each as a small dataclass whose fields carry their rules."""

from __future__ import annotations

from dataclasses import dataclass, fields

from gaincell.behavioral.faults import Faults
from gaincell.tables import Table, choice, flag, number, pair, string, whole


@dataclass(frozen=True, kw_only=True)
class Run(Table):
    """[run]: the run's folder, and how often it is saved and scored."""

    folder: str = string()
    """Folder for checkpoints, metrics.json and the model; made if it is missing."""
    seed: int = whole(0, low=0)
    """Seed of the data's order and of dropout."""
    checkpoint_every: int = whole(100, low=1)
    """Steps between checkpoints; the last step of a stage has one in any case."""
    keep: int = whole(2, low=1)
    """Number of checkpoints to keep."""
    evaluate_every: int = whole(100, low=1)
    """Steps between scores on [held_out]; the last step of a stage has one in any case."""
    tensorboard: bool = flag(True)
    """Write curves into the folder's tensorboard/."""


@dataclass(frozen=True, kw_only=True)
class Model(Table):
    """[model]: the model to train."""

    name: str = string()
    """As --model of ``gaincell convert``: a stock model, or one already converted."""
    config: str | None = string(None)
    """Preset or TOML file of the head; a converted model has its own."""
    layers: str | None = string(None)
    """Layers to convert, such as "0,3,10-15"; None: all. Only for a stock model."""
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
    """[data]: the text to learn from."""

    window: int = whole(512, low=2)
    """Tokens the model reads at once."""


@dataclass(frozen=True, kw_only=True)
class HeldOut(Source):
    """[held_out]: text to score while training; without a source, that of [data]."""

    windows: int | None = whole(None, low=1, none=True)
    """Number of windows, each as long as those of [data]; None: all."""


@dataclass(frozen=True, kw_only=True)
class Training(Table):
    """[training]: settings that all stages share."""

    batch: int = whole(1, low=1)
    """Windows that one process reads at once."""
    accumulation: int = whole(1, low=1)
    """Batches of one step."""
    train: str = choice("all", ("all", "attention", "scalers"))
    """Parameters that learn: all, the attention on the arrays, or the scalers of those layers."""
    bf16: bool = flag(False)
    """The model's own products in bfloat16; scalers and arrays stay in float32."""
    matmul_precision: str = choice("highest", ("highest", "high", "medium"))
    """Precision of products in float32, as torch.set_float32_matmul_precision."""
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
    """Weight of the teacher's loss; the text's loss has weight 1 - weight."""
    temperature: float = number(1.0, above=0.0)
    """Divides both models' logits."""


@dataclass(frozen=True, kw_only=True)
class Stage(Table):
    """[linear] or [nonlinear]: a training with AdamW; most defaults are the paper's."""

    steps: int = whole(low=1)
    learning_rate: float = number(6e-4, above=0.0)
    """After the warm-up."""
    scaler_learning_rate: float | None = number(None, above=0.0, none=True)
    """Learning rate of the scalers; None: as for all other parameters."""
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
    """[adapt]: the real cell's scalers from the linear model's, see ``ml.start.matching``."""

    windows: int = whole(4, low=1)
    """Number of windows of the data, read at once."""
    iterations: int = whole(100, low=1)
    tolerance: float = number(1e-4, above=0.0)


@dataclass(frozen=True, kw_only=True)
class ArrayFaults(Faults):
    """[faults]: the fields of ``behavioral.faults.Faults``, a seed, and how long arrays stay."""

    seed: int = whole(0, low=0)
    redraw: int = whole(0, low=0)
    """Steps after which arrays are drawn anew, for a model of any chip; 0: those of one chip."""

    def chip(self, step: int) -> int:
        """Seed of the arrays at a step of a stage, from 0."""
        return self.seed + (step // self.redraw if self.redraw else 0)

    @property
    def sizes(self) -> Faults:
        """The faults alone."""
        return Faults(**{each.name: getattr(self, each.name) for each in fields(Faults)})
