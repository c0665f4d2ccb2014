"""A characterised design as the cell of a head: ``cell = "design.json"`` in a config file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gaincell.refusals import foreign
from gaincell.tables import is_number, read_json

ENDING = ".json"
FORMATS = (1,)
SHIPPED = Path(__file__).parent / "data" / "designs"
"""Files of our own designs, each under the name that ``cell`` may have instead of a file."""


@dataclass(frozen=True)
class DesignFile:
    """What a head takes from the file of ``gaincell characterise``.

    config, analog : fields of HeadConfig and of the table [analog], by name
    faults : fields of ``gaincell.behavioral.faults.Faults``, by name
    full_pulse_s : length of the query pulse that the charges belong to, s
    """

    name: str
    config: Mapping[str, Any]
    analog: Mapping[str, float]
    faults: Mapping[str, float]
    full_pulse_s: float


def design_of(table: Mapping[str, Any], folder: Path) -> DesignFile | None:
    """The design that ``cell`` of a config's table names; None: it names none.

    ``cell`` is a shipped design's name, or a file relative to ``folder``.

    Raises
    ------
    ValueError
        The file cannot be read, or ``gaincell characterise`` did not write it.
    """
    path = _path_of(table.get("cell"), folder)
    if path is None:
        return None
    record = _read(path)
    with foreign(_no_record(path)):
        levels, derived = record["levels"], record["derived"]
        found = DesignFile(
            name=str(record["design"]["name"]),
            config=dict(derived["config"]),
            analog=dict(derived["analog"]),
            faults=dict(derived.get("faults", {})),
            full_pulse_s=((1 << levels["query_bits"]) - 1) * float(levels["clock_s"]),
        )
        if "cell" not in found.config or not all(map(is_number, found.analog.values())):
            raise ValueError("it has no response of a cell, or an energy that is no number")
    return found


def record_of(table: Mapping[str, Any], folder: Path, name: str) -> dict[str, Any]:
    """The whole record of design ``name``: the file that ``cell`` names, else the shipped one.

    Raises
    ------
    ValueError
        There is none, it cannot be read, or it is another design's.
    """
    path = _path_of(table.get("cell"), folder)
    if path is None and name in shipped_designs():
        path = _path_of(name, folder)
    if path is None:
        raise ValueError(
            f"design {name} has no record: run gaincell characterise, and give its file to the "
            'config as cell = "design.json"'
        )
    record = _read(path)
    with foreign(_no_record(path)):
        own = str(record["design"]["name"])
    if own != name:
        raise ValueError(f"the config's cell {path} is design {own}, but --design is {name}")
    return record


def records_beside(table: Mapping[str, Any], folder: Path) -> list[dict[str, Any]]:
    """Whole records of the design that ``cell`` of a config's table names, else of all shipped."""
    own = _path_of(table.get("cell"), folder)
    paths = [own] if own else [SHIPPED / f"{name}{ENDING}" for name in shipped_designs()]
    return [_read(path) for path in paths]


def _read(path: Path) -> dict[str, Any]:
    record: dict[str, Any] = read_json(path, "design")
    with foreign(_no_record(path)):
        if record["format"] not in FORMATS:
            raise ValueError(f"its format is {record['format']}, but must be {FORMATS[-1]}")
    return record


def _no_record(path: Path) -> str:
    return f"design {path} is no file of gaincell characterise"


def _path_of(cell: object, folder: Path) -> Path | None:
    """File of a design that a config's ``cell`` names; None: it names none."""
    if not isinstance(cell, str):
        return None
    if cell in shipped_designs():
        return SHIPPED / f"{cell}{ENDING}"
    return folder / cell if cell.endswith(ENDING) else None


def shipped_designs() -> list[str]:
    """Names of the characterised designs that come with gaincell."""
    return sorted(path.stem for path in SHIPPED.glob(f"*{ENDING}"))
