"""A language model's score on a task of lm-eval."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from gaincell.ml.evaluate.limits import check_tokens, embedding_of
from gaincell.ml.evaluate.tasks import Task
from gaincell.ml.process.quiet import quiet
from gaincell.refusals import foreign

FEW_SHOT_SEED = 1234
"""Seed of the few-shot examples: lm-eval's own, so that results compare with other people's."""

BOOTSTRAPS = 1000
"""Resamplings for the standard error of metrics that have no formula for it."""

NORMALISED = ("arc_challenge", "hellaswag")
"""Tasks whose answers' likelihoods are usually divided by their length: metric acc_norm."""

FIRST = ("acc", "exact_match", "word_perplexity")
"""Metrics that stand in the table if a task has them."""


@dataclass(frozen=True)
class TaskScore:
    """The score of a model on a task.

    examples : number of examples scored
    metrics : value and standard error of each; None where there is no finite number
    """

    task: str
    examples: int
    metrics: Mapping[str, tuple[float | None, float | None]]

    @property
    def main(self) -> str:
        """Name of the metric that stands for the task."""
        first = ("acc_norm", *FIRST) if self.task in NORMALISED else FIRST
        return next((each for each in first if each in self.metrics), next(iter(self.metrics)))


def score(
    model: Any,
    tokenizer: Any,
    task: Task,
    *,
    limit: int | None = None,
    batch_size: int = 1,
    max_length: int | None = None,
    label: str = "",
) -> TaskScore:
    """Score of a model in evaluation mode.

    Parameters
    ----------
    limit : score only so many examples, the first ones
    max_length : tokens that the model reads at once; its own limit by default
    label : of the progress bar

    Raises
    ------
    ValueError
        As ``Task.check``; or the task's own code fails, or asks with tokens that the model lacks.
    """
    task.check(tokenizer)
    with (
        tqdm(
            total=_sequences(task, limit),
            desc=label,
            unit="sequence",
            disable=None,
            file=sys.stderr,
            leave=False,
        ) as bar,
        _watched(model, bar) as watched,
        _one_process(),
    ):
        try:
            with foreign(f"task {task.name} could not be scored"), quiet():
                found = _evaluate(model, tokenizer, task, limit, batch_size, max_length)
        except ValueError as error:
            if watched.reading and error.__cause__ is not None:
                raise error.__cause__ from None
            raise
    return _read(task.name, found)


def _evaluate(
    model: Any,
    tokenizer: Any,
    task: Task,
    limit: int | None,
    batch_size: int,
    max_length: int | None,
) -> Mapping[str, Any]:
    import lm_eval  # type: ignore[import-untyped]
    from lm_eval.models.huggingface import HFLM  # type: ignore[import-untyped]

    # The tokenizer is given a padding token: not the caller's.
    lm = HFLM(
        pretrained=model,
        tokenizer=deepcopy(tokenizer),
        batch_size=batch_size,
        max_length=max_length,
    )
    task.own.set_fewshot_seed(FEW_SHOT_SEED)
    found = lm_eval.evaluate(
        lm=lm,
        task_dict={"tasks": {task.name: task.own}},
        limit=limit,
        bootstrap_iters=BOOTSTRAPS,
        log_samples=False,
    )
    table: Mapping[str, Any] = found["results"][task.name]
    return table


def _sequences(task: Task, limit: int | None) -> int | None:
    """About how many sequences the model will read; None: that depends on their lengths."""
    if task.output_type == "loglikelihood_rolling":
        return None
    examples = min(limit or task.examples, task.examples)
    if task.output_type != "multiple_choice":
        return examples
    return examples * len(task.own.doc_to_choice(task.own.eval_docs[0]))


def _read(name: str, table: Mapping[str, Any]) -> TaskScore:
    """From lm-eval's keys "metric,filter" and "metric_stderr,filter"."""
    metrics = {}
    for key, value in table.items():
        metric, comma, filtered = key.partition(",")
        if comma and not metric.endswith("_stderr"):
            error = table.get(f"{metric}_stderr,{filtered}")
            metrics[metric if filtered == "none" else key] = (_finite(value), _finite(error))
    if not metrics:
        raise ValueError(f"lm-eval computes no metric for task {name}: see its metric_list")
    return TaskScore(name, int(table["sample_len"]), metrics)


def _finite(value: Any) -> float | None:
    """lm-eval writes "N/A" where a metric has no standard error."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


@dataclass
class _Watched:
    """Whether a model reads right now: an exception is then its own, and no fault of a task."""

    reading: bool = False


@contextmanager
def _watched(model: Any, bar: tqdm[Any]) -> Iterator[_Watched]:
    """Advance the bar by every sequence that the model reads, and refuse tokens that it lacks."""
    size, watched = embedding_of(model), _Watched()

    def begin(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        ids = args[0] if args else kwargs["input_ids"]
        check_tokens(ids.flatten(), size, "a question")
        watched.reading = True

    def end(_: Any, __: Any, output: Any) -> None:
        # What a hook returns would take the output's place, and update returns something.
        watched.reading = False
        bar.update(len(output.logits))

    hooks = [
        model.register_forward_pre_hook(begin, with_kwargs=True),
        model.register_forward_hook(end),
    ]
    try:
        yield watched
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def _one_process() -> Iterator[None]:
    """lm-eval resamples in processes that it forks from one with threads, if it is let."""
    before = os.environ.get("DISABLE_MULTIPROC")
    os.environ["DISABLE_MULTIPROC"] = "1"
    try:
        yield
    finally:
        del os.environ["DISABLE_MULTIPROC"]
        if before is not None:
            os.environ["DISABLE_MULTIPROC"] = before
