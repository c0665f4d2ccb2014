"""Names of benchmark tasks, looked up in YAML files without importing lm-eval or torch."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gaincell.refusals import foreign
from gaincell.tables import nearest

TASKS = {
    "arc_easy": "arc",
    "arc_challenge": "arc",
    "winogrande": "winogrande",
    "hellaswag": "hellaswag",
    "lambada_openai": "lambada",
    "piqa": "piqa",
    "wikitext": "wikitext",
}
"""The tasks of docs/do/evaluation.md, and the folder of lm-eval that holds each of them."""

_IGNORED = ("__pycache__", ".ipynb_checkpoints")
"""Folders that lm-eval leaves out."""

_KEY = re.compile(r"""^["']?(task|group|class)["']? *: *["']?([^"'\n#]*?)["']? *(?:#.*)?$""", re.M)
_TAG = re.compile(r"""^["']?tag["']? *:(.*(?:\n *- .*)*)""", re.M)
_WORD = re.compile(r"""[^\s"'\[\],]+""")


def lm_eval_folder() -> Path:
    """The folder of lm-eval's task files.

    Raises
    ------
    ModuleNotFoundError
        lm-eval is not installed.
    """
    spec = find_spec("lm_eval")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("lm_eval is not installed")
    return Path(spec.origin).parent / "tasks"


def locate(names: Sequence[str], own: Sequence[str] = ()) -> list[Path]:
    """Folders of lm-eval that hold the tasks ``names``; only files there need be read in full.

    The tasks of ``TASKS`` cost no search. For any other name every YAML file of lm-eval is
    searched for the line that names a task: half a second, where a full read takes ten.

    Parameters
    ----------
    own : tasks of a user's folder, for the nearest name in the message

    Raises
    ------
    ValueError
        A name is unknown, or is the name of a group of tasks.
    """
    package = lm_eval_folder()
    folders = {package / TASKS[name] for name in names if name in TASKS}
    others = [name for name in names if name not in TASKS]
    if others:
        tasks, groups = index(package)
        for name in others:
            if name not in tasks:
                raise ValueError(_unknown(name, own, tasks, groups))
            folders.add(tasks[name].parent)
    return sorted(folders)


@cache
def index(package: Path) -> tuple[dict[str, Path], set[str]]:
    """File of each task below a folder of lm-eval, and the names of groups of tasks.

    lm-eval's own files write each name as one plain line; a user's file may not, see
    ``own_names``.
    """
    tasks: dict[str, Path] = {}
    groups: set[str] = set()
    for path in sorted(_files(package, ".yaml")):
        keys = dict(_KEY.findall(_text(path)))
        if "group" in keys and "class" not in keys:
            groups.add(keys["group"])
        elif keys.get("task"):
            # As lm-eval does with two files of one name: the first one counts.
            tasks.setdefault(keys["task"], path)
    return tasks, groups


@cache
def tags(package: Path) -> set[str]:
    """Tags below a folder of lm-eval; each names all tasks that carry it."""
    texts = (_text(path) for path in _files(package, ".yaml", ""))
    lists = (found for text in texts for found in _TAG.findall(text))
    return {word for words in lists for word in _WORD.findall(words)} - {"-"}


def own_names(folder: Path) -> tuple[list[str], set[str]]:
    """Tasks of the YAML files below a user's folder, sorted, and its groups and tags.

    Raises
    ------
    ValueError
        The folder is not there, holds no task, or holds a file that is no YAML or that includes
        a file that is not there.
    """
    if not folder.is_dir():
        raise ValueError(f"the task folder {folder} is not a folder")
    tasks: set[str] = set()
    sets: set[str] = set()
    # lm-eval leaves out files that it cannot read without a word.
    for path in sorted(folder.glob("**/*.yaml")):
        if path.parent.name in _IGNORED:
            continue
        table = _read(path)
        if "group" in table and "class" not in table:
            sets.add(str(table["group"]))
        elif isinstance(table.get("task"), str):
            tasks.add(table["task"])
            tag = table.get("tag") or []
            sets.update([tag] if isinstance(tag, str) else tag)
    if not tasks:
        raise ValueError(f"the task folder {folder} has no YAML file with a task")
    return sorted(tasks), sets


def _read(path: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """A task file with the files that it includes; its own keys win over theirs."""
    import yaml  # type: ignore[import-untyped]

    class Loader(yaml.SafeLoader):
        """Reads lm-eval's tag for a Python function as text."""

    Loader.add_constructor("!function", lambda loader, node: loader.construct_scalar(node))
    with foreign(f"{path} is not valid YAML"):
        try:
            table = yaml.load(path.read_text(encoding="utf-8"), Loader)
        except yaml.YAMLError as error:
            raise ValueError(" ".join(str(error).split())) from error
    if not isinstance(table, dict):
        return {}
    included = table.pop("include", [])
    merged: dict[str, Any] = {}
    for name in [included] if isinstance(included, str) else included:
        other = path.parent / name
        if not other.is_file():
            raise ValueError(f"{path} includes {name}, which is not there")
        if other in (*above, path):
            raise ValueError(f"{path} includes {name}, which includes it in turn")
        merged |= _read(other, (*above, path))
    return merged | table


def _files(folder: Path, *endings: str) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        for name in names:
            if os.path.splitext(name)[1] in endings:
                yield Path(place, name)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _unknown(name: str, own: Sequence[str], tasks: dict[str, Path], groups: set[str]) -> str:
    if name in groups or name in tags(lm_eval_folder()):
        return f"{name} is a group of tasks: name tasks of it"
    near = nearest(name, [*own, *TASKS], cutoff=0.6) or nearest(name, [*own, *tasks])
    return f'there is no task "{name}"{near}'
