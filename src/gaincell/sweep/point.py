"""One point of a sweep: its head and all settings, from the values under their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from gaincell.behavioral.faults import Faults
from gaincell.config import HeadConfig
from gaincell.config_file import ANALOG_TABLE, config_of, read_table
from gaincell.design_file import ENDING, design_of
from gaincell.sweep.settings import (
    CONFIG,
    FROM_DESIGN,
    HEAD,
    ModelSettings,
    SynthSettings,
    TokenSettings,
)
from gaincell.synth.estimate.analog import AnalogConfig, analog_of
from gaincell.synth.estimate.beside import Beside
from gaincell.tables import build, shown

T = TypeVar("T")
DEFAULT_CONFIG = "gpt2"


@dataclass(frozen=True, kw_only=True)
class Point:
    """A head, and everything that its metrics need.

    folder : relative paths of files begin there
    """

    folder: Path
    config: HeadConfig
    analog: AnalogConfig
    faults: Faults
    beside: Beside
    tokens: TokenSettings
    synth: SynthSettings
    model: ModelSettings


def point_of(values: Mapping[str, Any], folder: Path) -> Point:
    """The point with ``values`` by the names of ``gaincell.sweep.settings.NAMES``.

    Raises
    ------
    ValueError, TypeError
        Values that are no head's or do not fit together, or a file that cannot be read.
    """
    source = values.get(CONFIG, DEFAULT_CONFIG)
    path = folder / source if isinstance(source, str) and source.endswith(".toml") else source
    head = {name: values[name] for name in HEAD if name in values}
    if isinstance(cell := head.get("cell"), str) and cell.endswith(ENDING):
        head["cell"] = str(folder / cell)
    table = read_table(path)
    analog = table.get(ANALOG_TABLE, {})
    if isinstance(analog, Mapping):
        analog = {**analog, **_of(values, ANALOG_TABLE)}
    whole = {**table, **head, ANALOG_TABLE: analog}
    beside_file = Path(path).parent
    return Point(
        folder=folder,
        config=config_of(whole, beside_file),
        analog=analog_of(whole, beside_file),
        faults=_faults(values, whole, beside_file),
        beside=build(Beside, _of(values, "beside"), "beside"),
        tokens=build(TokenSettings, _of(values, "tokens"), "tokens"),
        synth=build(SynthSettings, _of(values, "synth"), "synth"),
        model=build(ModelSettings, _of(values, "model"), "model"),
    )


def _of(values: Mapping[str, Any], table: str) -> dict[str, Any]:
    """The values of one table, by field."""
    begin = f"{table}."
    return {
        name.removeprefix(begin): value
        for name, value in values.items()
        if name.startswith(begin) and name != FROM_DESIGN
    }


def _faults(values: Mapping[str, Any], whole: Mapping[str, Any], folder: Path) -> Faults:
    """Those of the values; before them, if asked for, those of the design that ``cell`` names."""
    own = _of(values, "faults")
    wanted = values.get(FROM_DESIGN, False)
    if not isinstance(wanted, bool):
        raise TypeError(f"{FROM_DESIGN} is {shown(wanted)}, but must be true or false")
    if wanted:
        design = design_of(whole, folder)
        if design is None:
            raise ValueError(f"{FROM_DESIGN} needs a cell that is a characterised design")
        own = {**design.faults, **own}
    return build(Faults, own, "faults")
