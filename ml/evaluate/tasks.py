"""Benchmark tasks of lm-eval: looked up by name, then loaded with their data sets."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import chdir
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from gaincell.ml.evaluate.task_checks import check_task, missing_split
from gaincell.ml.evaluate.task_names import locate, own_names
from gaincell.ml.process.quiet import quiet
from gaincell.refusals import Unable, first_line

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
        """The kind of question, as lm-eval calls it: "multiple_choice", "loglikelihood", …"""
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

    def check_examples(self, limit: int | None = None) -> None:
        """Refuse examples and metrics that would fail while they are scored.

        Raises
        ------
        ValueError
            As ``check_task``.
        """
        check_task(self.name, self.own, limit)


class Tasks:
    """Tasks by name, of a folder of lm-eval's YAML files or of lm-eval.

    To make one only looks the names up: lm-eval itself is imported by ``load``.

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
        own, sets = ([], set()) if folder is None else own_names(folder)
        self.names = list(dict.fromkeys(names)) or own
        self.sources = {name: str(folder) if name in own else "lm-eval" for name in self.names}
        others = [name for name in self.names if name not in own]
        for name in others:
            if name in sets:
                raise ValueError(f"{name} is a group of tasks: name tasks of it")
        self._folders = locate(others, own)
        if self.folder is not None:
            self._folders.append(self.folder)

    def load(self, few_shot: int | None = None) -> list[Task]:
        """All tasks with their data sets, ``few_shot`` examples each, or as many as a task says.

        Data files' paths are relative to the folder.

        Raises
        ------
        ValueError
            A data set cannot be read, or a task cannot be set up or lacks examples.
        Unable
            A data set cannot be fetched.
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
            raise self._why(name, error) from error
        if shots and solved <= shots:
            raise ValueError(
                f"task {name} has {solved} examples to take few-shot ones from, but must have more "
                f"than the {shots} asked for"
            )
        return Task(name, own, self.sources[name])

    @cached_property
    def _manager(self) -> Any:
        """lm-eval's own index of the folders that hold the tasks."""
        with quiet():
            from lm_eval.tasks import TaskManager  # type: ignore[import-untyped]

            return TaskManager(include_path=self._folders, include_defaults=False)

    def _why(self, name: str, error: Exception) -> ValueError | Unable:
        entry = self._manager.task_index.get(name)
        table = {} if entry is None else entry.cfg or {}
        split = missing_split(name, table, error)
        if split is not None:
            return ValueError(split)
        data = table.get("dataset_path")
        if data in FILES:
            while error.__cause__ is not None and isinstance(error.__cause__, Exception):
                error = error.__cause__
        what = first_line(error)
        if isinstance(error, StopIteration) or what.endswith("corresponds to no data!"):
            return ValueError(f"task {name} has no examples: its data is empty")
        if not isinstance(error, OSError):
            return ValueError(f"task {name} cannot be set up: {type(error).__name__}: {what}")
        if data in FILES:
            return ValueError(f"the data of task {name} cannot be read: {what}")
        return Unable(
            f"the data set {data} of task {name} could not be fetched ({what}): run this once with "
            "a network, a copy is kept; or give the task with data files in --task-folder"
        )
