"""HeadConfig from a preset's name or a TOML file, and back to TOML."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from gaincell.config import PRESETS, HeadConfig
from gaincell.design_file import DesignFile, design_of
from gaincell.tables import read_toml, shown, unknown_keys

FIELDS = tuple(field.name for field in fields(HeadConfig))
ANALOG_TABLE = "analog"
"""Table of a config file that holds the analog constants, for ``gaincell estimate``."""
CORE_TABLE = "core"
"""Table of a config file that tells of heads in lock step; ``gaincell.core.file`` reads it."""


def load_config(source: str | Path) -> HeadConfig:
    """The preset named ``source``, or the configuration in the TOML file of that path.

    A file gives any of HeadConfig's fields as top-level keys; ``preset = "tiny"`` names the
    configuration the other keys start from (default "gpt2"). ``cell`` may name a
    characterised design, shipped or a file: its fields count where the config sets none. The
    table ``[analog]``, if there is one, is left to ``gaincell.synth.estimate.analog.load_analog``,
    and ``[core]`` to ``gaincell.core.file.load_core``.

    Raises
    ------
    ValueError
        Unknown preset or key, unreadable file, TOML that does not parse, value out of range.
    TypeError
        A key holds a value of the wrong type.
    """
    name = str(source)
    if name in PRESETS:
        return PRESETS[name]
    table = read_table(source)
    try:
        return config_of(table, Path(source).parent)
    except (TypeError, ValueError) as error:
        raise type(error)(f"config {name}: {error}") from error


def config_of(table: Mapping[str, Any], folder: Path) -> HeadConfig:
    """The HeadConfig of a config file's table; its ``cell`` may be a design, as in ``load_config``.

    A design's file is found relative to ``folder``.

    Raises
    ------
    ValueError
        Unknown preset or key, a design that cannot be read, value out of range.
    TypeError
        A key holds a value of the wrong type.
    """
    design = design_of(table, folder)
    if design is None:
        return config_from_table(table)
    config = config_from_table({**table, **design.config, **_but_cell(table)})
    _check_belongs(config, design)
    return config


def read_table(source: str | Path) -> dict[str, Any]:
    """All keys of the TOML file ``source``, unchecked; of a preset's name, that preset.

    Raises
    ------
    ValueError
        Neither a file nor a preset, unreadable file, TOML that does not parse.
    """
    name = str(source)
    if name in PRESETS:
        return {"preset": name}
    path = Path(source)
    if path.suffix != ".toml" and not path.exists():
        raise ValueError(f'config "{name}" is neither a file nor a preset ({_presets()})')
    return read_toml(path, "config")


def config_from_table(table: Mapping[str, Any]) -> HeadConfig:
    """The HeadConfig of a TOML table without designs. Raises as ``load_config`` does."""
    table = dict(table)
    for name in (ANALOG_TABLE, CORE_TABLE):
        _check_nothing_strayed(name, table.pop(name, None))
    base = table.pop("preset", "gpt2")
    if not isinstance(base, str) or base not in PRESETS:
        raise ValueError(f"preset is {shown(base)}, but must be one of {_presets()}")
    if unknown := unknown_keys(table, (*FIELDS, ANALOG_TABLE, CORE_TABLE)):
        raise ValueError("; ".join(unknown))
    return replace(PRESETS[base], **table)


def config_to_toml(config: HeadConfig) -> str:
    """Every field of ``config`` as TOML; fields left to their default rule are comments."""
    lines = []
    for name in FIELDS:
        value = getattr(config, name)
        if value is None:
            lines.append(f"# {name} =  # by default derived from the other fields")
        else:
            value = list(value) if isinstance(value, tuple) else value
            # JSON's strings, numbers and lists are TOML's; its exponents are too.
            lines.append(f"{name} = {json.dumps(value)}")
    return "\n".join(lines) + "\n"


def _but_cell(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key != "cell"}


def _check_belongs(config: HeadConfig, design: DesignFile) -> None:
    """Refuse a head whose pulses or codes are not those that the design was measured with."""
    pulse_s = config.pulse_cycles * config.clock_s
    if not math.isclose(pulse_s, design.full_pulse_s, rel_tol=1e-6):
        raise ValueError(
            f"a full query pulse is {pulse_s:.4g} s, but design {design.name} was measured with "
            f"{design.full_pulse_s:.4g} s: leave clock_s, step_cycles and query_bits as they were, "
            "or characterise the design again"
        )


def _check_nothing_strayed(name: str, table: object) -> None:
    """Refuse a key of the head below ``[name]``: TOML would count it to that table."""
    for key in table if isinstance(table, dict) else ():
        if key in FIELDS:
            raise ValueError(f'key "{key}" stands in [{name}], but must stand before it')


def _presets() -> str:
    return ", ".join(PRESETS)
