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

from gaincell.ml.evaluate.tasks import Task
from gaincell.ml.process.quiet import quiet
from gaincell.refusals import first_line

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
        As ``Task.check``.
    RuntimeError
        lm-eval gave up.
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
        _counting(model, bar),
        _one_process(),
    ):
        try:
            with quiet():
                found = _evaluate(model, tokenizer, task, limit, batch_size, max_length)
        except Exception as error:  # of lm-eval, of a task's own code, or of the model
            what = f"task {task.name} could not be scored: {first_line(error)}"
            raise RuntimeError(what) from error
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
    return TaskScore(name, int(table["sample_len"]), metrics)


def _finite(value: Any) -> float | None:
    """lm-eval writes "N/A" where a metric has no standard error."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


@contextmanager
def _counting(model: Any, bar: tqdm[Any]) -> Iterator[None]:
    """Advance the bar by every sequence that the model reads."""

    def count(_: Any, __: Any, output: Any) -> None:
        # What a hook returns would take the output's place, and update returns something.
        bar.update(len(output.logits))

    hook = model.register_forward_hook(count)
    try:
        yield
    finally:
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
