"""Benchmark tasks of lm-eval: found by name, and their data sets loaded."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gaincell.ml.process.quiet import first_line, quiet

TASKS = {
    "arc_easy": "arc",
    "arc_challenge": "arc",
    "winogrande": "winogrande",
    "hellaswag": "hellaswag",
    "lambada_openai": "lambada",
    "piqa": "piqa",
    "wikitext": "wikitext",
}
"""The tasks of docs/do/evaluation.md, and the folder of lm-eval that each is in."""

FILES = ("json", "csv", "text", "parquet", "arrow")
"""Values of a task's ``dataset_path`` that mean data files."""


@dataclass(frozen=True)
class Task:
    """A task with its data set.

    own : lm-eval's object; source : "lm-eval", or the folder it comes from
    """

    name: str
    own: Any
    source: str

    @property
    def examples(self) -> int:
        """How many it has."""
        return len(self.own.eval_docs)

    @property
    def output_type(self) -> str:
        """What is asked of a model, as lm-eval calls it: "multiple_choice", "loglikelihood", …"""
        return str(self.own.OUTPUT_TYPE)

    @property
    def few_shot(self) -> int:
        """Solved examples before each question."""
        return int(self.own.config.num_fewshot)

    def check(self, tokenizer: Any, faulty: bool = False) -> None:
        """Refuse what cannot work, before anything is computed.

        Raises
        ------
        ValueError
            The tokenizer lacks a token that lm-eval needs; or the task runs code that a model
            wrote, or needs a cache, which ``faulty`` arrays do not decode from.
        """
        if tokenizer.bos_token_id is None and tokenizer.eos_token_id is None:
            raise ValueError(
                f"task {self.name} needs a token that begins or ends a text, but the model's "
                "tokenizer has none"
            )
        if getattr(self.own, "UNSAFE_CODE", False):
            raise ValueError(f"task {self.name} runs code that the model writes: not done here")
        if faulty and self.output_type == "generate_until":
            raise ValueError(
                f"task {self.name} generates text, but arrays with faults do not decode from a "
                "cache: leave out --faults"
            )


class Tasks:
    """Tasks found by name, in a folder of lm-eval's YAML files or in lm-eval; no data yet.

    Parameters
    ----------
    names : of the tasks; none: all of the folder
    folder : its tasks hide those of lm-eval that have the same name

    Raises
    ------
    ValueError
        The folder is not there, holds no task or a file that is no YAML; or a name is unknown.
    """

    def __init__(self, names: Sequence[str] = (), folder: Path | None = None) -> None:
        self.folder = None if folder is None else folder.resolve()
        own = [] if self.folder is None else _own_names(self.folder)
        self.names = list(dict.fromkeys(names)) or own
        self.sources = {name: str(folder) if name in own else "lm-eval" for name in self.names}
        others = [name for name in self.names if name not in own]
        with quiet():
            import lm_eval.tasks  # type: ignore[import-untyped]

            # To read all of lm-eval's files takes ten seconds: only where a name needs it.
            every = any(name not in TASKS for name in others)
            package = Path(lm_eval.tasks.__file__).parent
            folders = [] if every else sorted({package / TASKS[name] for name in others})
            if self.folder is not None:
                folders.append(self.folder)
            self._manager = lm_eval.tasks.TaskManager(include_path=folders, include_defaults=every)
        for name in others:
            if name not in self._manager.all_subtasks:
                raise ValueError(self._unknown(name, own))

    def load(self, few_shot: int | None = None) -> list[Task]:
        """All tasks with their data sets, ``few_shot`` examples each, or as many as a task says.

        Data files' paths are relative to the folder.

        Raises
        ------
        ValueError
            A data set cannot be fetched or read, or a task cannot be set up or lacks examples.
        """
        return [self._load(name, few_shot) for name in self.names]

    def _load(self, name: str, few_shot: int | None) -> Task:
        try:
            with quiet(), chdir(self.folder or "."):
                own: Any = self._manager.load([name])["tasks"][name]
                shots = (own.config.num_fewshot if few_shot is None else few_shot) or 0
                own.set_config("num_fewshot", shots)
                solved = len(list(own.fewshot_docs() or ())) if shots else 0
        except Exception as error:  # of lm-eval, of datasets, or of a task's own code
            raise ValueError(self._why(name, error)) from error
        if shots and solved <= shots:
            raise ValueError(
                f"task {name} has {solved} examples to take few-shot ones from, but must have more "
                f"than the {shots} asked for"
            )
        return Task(name, own, self.sources[name])

    def _unknown(self, name: str, own: list[str]) -> str:
        if name in self._manager.all_tasks:
            return f"{name} is a group of tasks: name tasks of it"
        near = difflib.get_close_matches(name, [*own, *TASKS], n=1)
        known = [*own, *self._manager.all_subtasks]
        near = near or difflib.get_close_matches(name, known, n=1, cutoff=0)
        return f'there is no task "{name}" (nearest known: "{near[0]}")'

    def _why(self, name: str, error: Exception) -> str:
        table = self._manager.task_index[name].cfg or {}
        data = table.get("dataset_path")
        if data in FILES:
            while error.__cause__ is not None and isinstance(error.__cause__, Exception):
                error = error.__cause__
        what = first_line(error)
        if not isinstance(error, OSError):
            return f"task {name} cannot be set up: {type(error).__name__}: {what}"
        if data in FILES:
            return f"the data of task {name} cannot be read: {what}"
        return (
            f"the data set {data} of task {name} could not be fetched ({what}): run this once with "
            "a network, a copy is kept; or give the task with data files in --task-folder"
        )


def _own_names(folder: Path) -> list[str]:
    """Tasks of the YAML files below a folder; raises as ``Tasks``."""
    import yaml  # type: ignore[import-untyped]

    class Loader(yaml.SafeLoader):
        """Reads lm-eval's tag for a Python function as text."""

    Loader.add_constructor("!function", lambda loader, node: loader.construct_scalar(node))
    if not folder.is_dir():
        raise ValueError(f"the task folder {folder} is not a folder")
    # lm-eval leaves out files that it cannot read without a word.
    for path in sorted(folder.glob("**/*.yaml")):
        try:
            table = yaml.load(path.read_text(encoding="utf-8"), Loader)
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ValueError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
        included = table.get("include", []) if isinstance(table, dict) else []
        for each in [included] if isinstance(included, str) else included:
            if not (path.parent / each).is_file():
                raise ValueError(f"{path} includes {each}, which is not there")
    with quiet():
        from lm_eval.tasks import TaskManager

        manager = TaskManager(include_path=[folder], include_defaults=False)
    names: list[str] = manager.all_subtasks
    if not names:
        raise ValueError(f"the task folder {folder} has no YAML file with a task")
    return names
