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
    full_pulse_s : length of the query pulse that the charges belong to, s
    """

    name: str
    config: Mapping[str, Any]
    analog: Mapping[str, float]
    full_pulse_s: float


def design_of(table: Mapping[str, Any], folder: Path) -> DesignFile | None:
    """The design that ``cell`` of a config's table names; None: it names none.

    ``cell`` is a shipped design's name, or a file relative to ``folder``.

    Raises
    ------
    ValueError
        The file cannot be read, or ``gaincell characterise`` did not write it.
    """
    cell = table.get("cell")
    if not isinstance(cell, str):
        return None
    if cell in shipped_designs():
        path = SHIPPED / f"{cell}{ENDING}"
    elif cell.endswith(ENDING):
        path = folder / cell
    else:
        return None
    record = read_json(path, "design")
    with foreign(f"design {path} is no file of gaincell characterise"):
        if record["format"] not in FORMATS:
            raise ValueError(f"its format is {record['format']}, but must be {FORMATS[-1]}")
        levels, derived = record["levels"], record["derived"]
        found = DesignFile(
            name=str(record["design"]["name"]),
            config=dict(derived["config"]),
            analog=dict(derived["analog"]),
            full_pulse_s=((1 << levels["query_bits"]) - 1) * float(levels["clock_s"]),
        )
        if "cell" not in found.config or not all(map(is_number, found.analog.values())):
            raise ValueError("it has no response of a cell, or an energy that is no number")
    return found


def shipped_designs() -> list[str]:
    """Names of the characterised designs that come with gaincell."""
    return sorted(path.stem for path in SHIPPED.glob(f"*{ENDING}"))
