"""The rows of an evaluation: one attention each, scored on texts and tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from tqdm import tqdm

from gaincell.behavioral.faults import Faults
from gaincell.ml.evaluate.attentions import ATTENTIONS, DEFAULT, ON_ARRAYS, check_attentions
from gaincell.ml.evaluate.baselines import attending
from gaincell.ml.evaluate.perplexity import Score, perplexity
from gaincell.ml.evaluate.scoring import TaskScore, score
from gaincell.ml.evaluate.tasks import Task
from gaincell.ml.models.convert import convert
from gaincell.ml.models.hardware_model import HardwareModel
from gaincell.ml.models.settings import Settings


@dataclass(frozen=True)
class Row:
    """A model with one attention.

    baseline : the weights are not the evaluated model's own
    """

    attention: str
    model: Any
    faults: Faults | None = None
    baseline: bool = False

    @property
    def name(self) -> str:
        """For the table."""
        return f"{self.attention}, faults" if self.faults is not None else self.attention

    def attending(self, seed: int) -> AbstractContextManager[None]:
        """Inside this context the model computes the row's attention, with faults from ``seed``."""
        if not isinstance(self.model, HardwareModel):
            return nullcontext()
        return attending(self.model, self.attention, self.faults, seed)


@dataclass(frozen=True)
class Result:
    """What a row scored: by text, and by task."""

    row: Row
    texts: Mapping[str, Score]
    tasks: Mapping[str, TaskScore]


def rows_of(
    model: Any,
    attentions: Sequence[str] | None = None,
    faults: Faults | None = None,
    baseline: Any = None,
) -> list[Row]:
    """The rows in the order of ``attentions``; those on arrays are followed by one with faults.

    Parameters
    ----------
    model : converted, or stock: then its only row is "stock"
    attentions : some of ``ATTENTIONS``; ``DEFAULT`` by default
    baseline : a stock model for the rows that need no scalers; it is changed, to one whose layers
        compute softmax over the window where ``model`` is on arrays. None: ``model`` itself

    Raises
    ------
    TypeError, ValueError
        Attentions that are unknown or that a stock model cannot compute, faults without arrays,
        a baseline of another shape or one that is converted, or none for weights that a start
        fitted to the arrays.
    """
    converted = isinstance(model, HardwareModel)
    chosen = list(dict.fromkeys(attentions or (DEFAULT if converted else ("stock",))))
    for attention in chosen:
        if attention in ATTENTIONS and attention != "stock" and not converted:
            raise ValueError(
                f"kind {attention} needs a model on hardware, which this is not: convert it first "
                "with gaincell convert"
            )
    check_attentions(chosen, faults)
    if baseline is not None:
        _fit_baseline(baseline, model)
    elif converted and set(chosen) - set(ON_ARRAYS) and Settings.of(model.config).started:
        first = next(each for each in chosen if each not in ON_ARRAYS)
        raise ValueError(
            f"the closed-form start fitted the weights to the arrays, and they are wrong for kind "
            f"{first}: give the model that it began with as --baseline, or --kinds converted"
        )
    rows = []
    for attention in chosen:
        if attention in ON_ARRAYS or baseline is None:
            rows.append(Row(attention, model))
        else:
            rows.append(Row(attention, baseline, baseline=True))
        if faults is not None and attention in ON_ARRAYS:
            rows.append(Row(attention, model, faults))
    return rows


def _fit_baseline(baseline: Any, model: Any) -> None:
    if not isinstance(model, HardwareModel):
        raise ValueError("a baseline is for a model on hardware, which the evaluated one is not")
    if isinstance(baseline, HardwareModel):
        raise ValueError("the baseline is a converted model, but must be a stock one")
    for name in ("num_hidden_layers", "vocab_size"):
        own, other = getattr(model.config, name), getattr(baseline.config, name)
        if own != other:
            raise ValueError(f"the baseline has {name} {other}, but the evaluated model has {own}")
    settings = Settings.of(model.config)
    on_arrays = [layer for layer, kind in enumerate(settings.kinds) if kind != "stock"]
    convert(baseline, settings.head, "softmax", on_arrays)


def evaluate(
    row: Row,
    tokenizer: Any,
    texts: Mapping[str, Tensor],
    tasks: Sequence[Task],
    *,
    seed: int = 0,
    limit: int | None = None,
    batch_size: int = 1,
    max_length: int | None = None,
) -> Result:
    """Score a row; every text and task finds the same faults, whatever the others are.

    Parameters
    ----------
    texts : windows of tokens (W, T) of each
    seed : of the faults
    limit, batch_size, max_length : as ``scoring.score``

    Raises
    ------
    ValueError
        As ``scoring.score``.
    """
    found, scores = {}, {}
    for name, windows in texts.items():
        bar = tqdm(windows, desc=f"{row.name}: {name}", unit="window", disable=None, leave=False)
        with row.attending(seed), bar:
            found[name] = perplexity(row.model, bar)
    for task in tasks:
        with row.attending(seed):
            scores[task.name] = score(
                row.model,
                tokenizer,
                task,
                limit=limit,
                batch_size=batch_size,
                max_length=max_length,
                label=f"{row.name}: {task.name}",
            )
    return Result(row, found, scores)
