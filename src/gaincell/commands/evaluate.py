"""``gaincell evaluate``: a model beside its baselines, on texts and on lm-eval's tasks."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gaincell.behavioral.faults import Faults
from gaincell.commands.options.common import add_output, add_seed, check_least
from gaincell.commands.options.faults import faults_of
from gaincell.commands.options.texts import (
    add_model_argument,
    add_window_arguments,
    check_model,
    check_windows,
    need_ml,
    settle_window,
    windows_from,
)
from gaincell.commands.shown.evaluation import as_table, write_json
from gaincell.files import check_writable
from gaincell.inputs.text_file import check_text
from gaincell.ml.evaluate.attentions import check_attentions
from gaincell.ml.evaluate.tasks import Tasks
from gaincell.refusals import refusing

if TYPE_CHECKING:
    from torch import Tensor

UNLESS_GIVEN = {"skip": 0, "batch_size": 1}
"""Defaults that are not None."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model_argument(parser)
    parser.add_argument(
        "--baseline",
        help="the model before conversion, for the rows stock, softmax and linear-kernel; "
        "default: the weights of --model",
    )
    parser.add_argument(
        "--kinds",
        help="rows, such as converted,stock: converted, hardware, linear (the linear cell), "
        "stock (softmax over all tokens), softmax (over the window), linear-kernel, sinks (first "
        "and newest tokens), kivi-4 and kivi-2 (quantised keys and values); default: "
        "converted,stock,softmax,linear-kernel",
    )
    texts = parser.add_argument_group("perplexity")
    texts.add_argument(
        "--text", type=Path, nargs="+", default=[], help="text files, UTF-8; a column each"
    )
    add_window_arguments(texts)
    tasks = parser.add_argument_group("tasks")
    tasks.add_argument(
        "--tasks",
        help="names of lm-eval, such as arc_easy,arc_challenge,winogrande,hellaswag,"
        "lambada_openai,piqa,wikitext; default: all of --task-folder",
    )
    tasks.add_argument(
        "--task-folder", type=Path, help="lm-eval YAML files of your own, with their data"
    )
    tasks.add_argument("--limit", type=int, help="examples of each task; default: all")
    tasks.add_argument(
        "--few-shot",
        type=int,
        help="solved examples before each question; default: as the task says",
    )
    tasks.add_argument("--batch-size", type=int, default=1, help="sequences at once; default 1")
    tasks.add_argument(
        "--max-length", type=int, help="tokens read at once; default: the model's limit"
    )
    parser.add_argument(
        "--faults",
        help="key=value,... or a TOML file with fields of gaincell.behavioral.faults.Faults: "
        "adds a row with faults to each on the arrays",
    )
    add_seed(parser, "the faults")
    add_output(parser, "JSON file for all results")


def run(arguments: argparse.Namespace) -> int:
    need_ml(*(["lm_eval"] if arguments.tasks or arguments.task_folder else []))
    with refusing():
        faults = faults_of(arguments.faults)
        kinds = None if arguments.kinds is None else _listed("--kinds", arguments.kinds)
        _check(arguments, kinds, faults)
        named_tasks = _named_tasks(arguments)
    from gaincell.ml.evaluate.evaluation import evaluate, rows_of
    from gaincell.ml.models.load import load_model

    with refusing():
        model, tokenizer = load_model(arguments.model)
        baseline = _load_baseline(arguments.baseline, tokenizer)
        rows = rows_of(model, kinds, faults, baseline)
        for each in (model, baseline) if baseline is not None else (model,):
            _check_lengths(arguments, each)
        texts = _texts(arguments, tokenizer, model)
        tasks = [] if named_tasks is None else named_tasks.load(arguments.few_shot)
        for task in tasks:
            task.check(tokenizer, faulty=faults is not None)
            task.check_examples(arguments.limit)
    with refusing():
        results = [
            evaluate(
                row,
                tokenizer,
                texts,
                tasks,
                seed=arguments.seed,
                limit=arguments.limit,
                batch_size=arguments.batch_size,
                max_length=arguments.max_length,
            )
            for row in rows
        ]
    print(as_table(arguments, model, texts, tasks, results))
    if arguments.output is not None:
        write_json(arguments, model, faults, texts, tasks, results)
        print(f"\n  saved in {arguments.output}")
    return 0


def _check(arguments: argparse.Namespace, kinds: list[str] | None, faults: Faults | None) -> None:
    """Check all that needs neither torch nor lm-eval, whose import takes seconds."""
    if not arguments.text and arguments.tasks is None and arguments.task_folder is None:
        raise ValueError("nothing to evaluate on: give --text, --tasks or --task-folder")
    check_least(arguments, 1, "limit", "batch_size")
    check_least(arguments, 0, "few_shot", "seed")
    check_least(arguments, 2, "max_length")
    _check_together(arguments)
    if kinds is not None:
        check_attentions(kinds, faults)
    for model in (arguments.model, arguments.baseline):
        if model is not None:
            check_model(model)
    if arguments.text:
        check_windows(arguments)
    for path in arguments.text:
        check_text(path)
    if arguments.output is not None:
        check_writable(arguments.output)


def _check_together(arguments: argparse.Namespace) -> None:
    """Raise ValueError for an option without the one that it goes with."""
    tasks = arguments.tasks is not None or arguments.task_folder is not None
    for owner, there, names in (
        ("--text", bool(arguments.text), ("window", "windows", "skip")),
        ("--tasks or --task-folder", tasks, ("limit", "few_shot", "batch_size", "max_length")),
    ):
        for name in names:
            value = getattr(arguments, name)
            if value != UNLESS_GIVEN.get(name) and not there:
                option = name.replace("_", "-")
                raise ValueError(f"--{option} is {value}, but means nothing without {owner}")


def _named_tasks(arguments: argparse.Namespace) -> Tasks | None:
    """The tasks of --tasks and --task-folder; only their names are looked up."""
    if arguments.tasks is None and arguments.task_folder is None:
        return None
    names = [] if arguments.tasks is None else _listed("--tasks", arguments.tasks)
    return Tasks(names, arguments.task_folder)


def _listed(option: str, text: str) -> list[str]:
    names = [each.strip() for each in text.split(",")]
    if not all(names):
        raise ValueError(f"{option} is {text!r}, but must be names with commas between")
    return names


def _load_baseline(name: str | None, tokenizer: Any) -> Any:
    from gaincell.ml.models.load import load_model

    if name is None:
        return None
    baseline, own = load_model(name)
    if own.get_vocab() != tokenizer.get_vocab():
        raise ValueError(
            f"the baseline {name} has another vocabulary than the model: their perplexities could "
            "not be compared"
        )
    return baseline


def _check_lengths(arguments: argparse.Namespace, model: Any) -> None:
    from gaincell.ml.evaluate.limits import check_length

    if arguments.text:
        settle_window(arguments, model)
    if arguments.max_length is not None:
        check_length(model, arguments.max_length, f"--max-length is {arguments.max_length}")


def _texts(arguments: argparse.Namespace, tokenizer: Any, model: Any) -> dict[str, "Tensor"]:
    """Windows of each text, named by the file, or by its path where names are alike."""
    paths: list[Path] = list(dict.fromkeys(arguments.text))
    names = [path.name for path in paths]
    return {
        path.name if names.count(path.name) == 1 else str(path): windows_from(
            path, arguments, tokenizer, model
        )
        for path in paths
    }
