"""No command writes a file over one that it reads, nor two files over each other."""

import argparse
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

WRITTEN = {"output", "testbench", "waves", "picture", "layout", "json", "librelane"}
"""Attributes of options that name what a command writes; of those that are paths."""

READ_BY_NAME = {"config", "core", "model", "baseline", "design"}
"""Attributes of options that name a file, a folder, or something that is no path."""


def check_apart(arguments: argparse.Namespace) -> None:
    """Check that what a command writes is none of what else its options name.

    Raises
    ------
    ValueError
        Two options name one file or folder, and the command writes it.
    """
    for (one, first), (other, second) in combinations(_named(arguments), 2):
        written = [name for name in (one, other) if name in WRITTEN]
        if written and one != other and first.resolve() == second.resolve():
            writes = written[0]
            also = other if writes == one else one
            raise ValueError(
                f"{_shown(writes)} is {first if writes == one else second}, but {_shown(also)} "
                "names that too: give another name to what is written"
            )


def _named(arguments: argparse.Namespace) -> Iterator[tuple[str, Path]]:
    for name, value in vars(arguments).items():
        if name in READ_BY_NAME and isinstance(value, str) and Path(value).exists():
            yield name, Path(value)
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, Path):
                yield name, each


def _shown(name: str) -> str:
    positional = {"sweep": "the sweep file", "run_file": "the run file"}
    return positional.get(name, f"--{name.replace('_', '-')}")
