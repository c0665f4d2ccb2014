"""What lm-eval would find out only while it scores, or not at all: checked before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gaincell.ml.process.quiet import quiet
from gaincell.refusals import foreign

SPLITS = ("training_split", "validation_split", "test_split", "fewshot_split")


def check_task(name: str, own: Any, limit: int | None) -> None:
    """Make the questions of all examples that are to be scored, and look at answers and metrics.

    Parameters
    ----------
    own : lm-eval's object
    limit : examples to be scored, the first ones; None: all

    Raises
    ------
    ValueError
        There is no example, a template fails, an answer is none of the choices, or a metric is
        unknown or is not one of such a task.
    """
    examples = list(own.eval_docs)[:limit]
    if not examples:
        raise ValueError(f"task {name} has no examples: its data is empty")
    for number, example in enumerate(examples):
        with foreign(f"example {number} of task {name} cannot be made a question"), quiet():
            text, target = own.doc_to_text(example), own.doc_to_target(example)
            choices = own.doc_to_choice(example) if _has_choices(own) else None
        if choices is not None:
            # lm-eval scores such an example as wrong, or an answer of -1 as the last choice.
            _check_answer(f"example {number} of task {name}", own, text, target, choices)
    _check_metrics(name, own, examples[0])


def missing_split(name: str, table: Mapping[str, Any], error: Exception) -> str | None:
    """What to say of an error of lm-eval that means a split that the data lacks; else None."""
    if not isinstance(error, KeyError) or not error.args:
        return None
    wanted = error.args[0]
    key = next((key for key in SPLITS if table.get(key) == wanted), None)
    if key is None:
        return None
    what = f"the data of task {name} has no split {wanted}, which its {key} names"
    files = (table.get("dataset_kwargs") or {}).get("data_files")
    if isinstance(files, (str, list)):
        return f"{what}: name it in data_files, as in {{{wanted}: d.jsonl}}; else it is train"
    return what


def _has_choices(own: Any) -> bool:
    return bool(own.OUTPUT_TYPE == "multiple_choice")


def _check_answer(name: str, own: Any, text: Any, target: Any, choices: Any) -> None:
    """As lm-eval does it: an answer is a choice or its number; with many inputs it is the text."""
    if not choices:
        raise ValueError(f"{name} has no choices")
    answer = text if getattr(own, "multiple_input", False) else target
    for each in answer if isinstance(answer, list) else [answer]:
        if isinstance(each, int) and not 0 <= each < len(choices):
            raise ValueError(f"{name} has answer {each}, but choices 0..{len(choices) - 1}")
        if isinstance(each, str) and each not in choices:
            raise ValueError(f"{name} has answer {each!r}, which is none of its choices")


def _check_metrics(name: str, own: Any, example: Any) -> None:
    """Every metric of the task's own list is computed for an example."""
    listed = own.config.metric_list
    if listed is None or callable(own.config.process_results):
        return
    for metric, function in own._metric_fn_list.items():
        if function is None:
            raise ValueError(f"task {name} has metric {metric}, but lm-eval has none of that name")
        if own._aggregation_list.get(metric) is None:
            raise ValueError(f"the aggregation of metric {metric} of task {name} is unknown")
    dummies = _answers(own, example)
    if dummies is None:
        return
    with quiet():
        computed = own.process_results(example, dummies)
    for metric in own._metric_fn_list:
        if metric not in computed:
            raise ValueError(
                f"task {name} has metric {metric}, but lm-eval has it not for "
                f"{own.OUTPUT_TYPE} tasks"
            )


def _answers(own: Any, example: Any) -> list[Any] | None:
    """What a model may answer, in lm-eval's form; None where a metric may need a real answer."""
    if own.OUTPUT_TYPE == "multiple_choice":
        sets = 2 if "acc_mutual_info" in own._metric_fn_list else 1
        return [(-1.0, False)] * (sets * len(own.doc_to_choice(example)))
    if own.OUTPUT_TYPE == "loglikelihood":
        return [(-1.0, False)]
    if own.OUTPUT_TYPE == "loglikelihood_rolling":
        return [-1.0]
    return None
