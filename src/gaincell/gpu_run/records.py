"""What each part of the run found: one JSON file, written whole after each part."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass
from pathlib import Path
from typing import Any

from gaincell.files import replacing
from gaincell.tables import Table, build, checked, choice, number, read_json, string

FILE = "records.json"
Records = dict[str, "Record"]


def _table() -> Any:
    return checked(
        MISSING, lambda value: None if isinstance(value, Mapping) else (True, "a JSON object")
    )


@dataclass(frozen=True, kw_only=True)
class Record(Table):
    """One part: where and how it ran, and what it found.

    figures : numbers and names by the part's own keys; empty if it failed
    error : the last lines that a failed part said
    """

    state: str = choice("done", ("done", "failed"))
    device: str = string()
    versions: Mapping[str, str] = _table()
    revision: str = string()
    command: str = string()
    seconds: float = number(low=0.0)
    finished: str = string()
    """Time of day, UTC."""
    figures: Mapping[str, Any] = _table()
    error: str | None = string(None)

    def problems_together(self) -> list[str]:
        if (self.state == "failed") != (self.error is not None):
            return [f'state is "{self.state}", but error is {self.error!r}']
        return []


def read_records(path: Path) -> Records:
    """Records by the names of their parts; none if there is no such file.

    Raises
    ------
    TypeError, ValueError
        The file holds something else.
    """
    if not path.is_file():
        return {}
    found = read_json(path, "records")
    if not isinstance(found, dict):
        raise ValueError(f"records {path} is no JSON object")
    return {name: build(Record, record, name) for name, record in found.items()}


def read_all(paths: Iterable[Path]) -> Records:
    """Records of several files; of one part, the one that was finished last."""
    joined: Records = {}
    for path in paths:
        for name, record in read_records(path).items():
            if name not in joined or joined[name].finished < record.finished:
                joined[name] = record
    return joined


def write_records(path: Path, records: Records) -> None:
    text = json.dumps({name: asdict(each) for name, each in records.items()}, indent=1)
    with replacing(path) as unfinished:
        unfinished.write_text(text + "\n", encoding="utf-8")
