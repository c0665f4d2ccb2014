"""What a converted model needs beside the arrays, from its config.json; needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gaincell.config import HeadConfig
from gaincell.synth.estimate.beside import Beside
from gaincell.tables import read_json, shown

TABLE = "gaincell"
"""Of config.json: what ``gaincell convert`` did to the model."""


def beside_in(folder: Path, config: HeadConfig) -> Beside:
    """What stands beside the arrays in the layers of a converted model that have maps.

    Raises
    ------
    ValueError
        The folder holds no converted model, or its heads have another dimension than ``config``'s.
    """
    if not (folder / "config.json").is_file():
        raise ValueError(f"model {folder} is no folder with config.json, so not a converted model")
    table = read_json(folder / "config.json", "model")
    saved = table.get(TABLE) if isinstance(table, Mapping) else None
    if not isinstance(saved, Mapping) or not isinstance(saved.get("kinds"), list):
        raise ValueError(
            f"model {folder} was not converted: its config.json has no table {TABLE} with kinds"
        )
    mapped = saved.get("maps", [])
    if not isinstance(mapped, list):
        raise ValueError(f"model {folder}: maps is {shown(mapped)}, but must be a list of layers")
    digital = saved.get("digital", [])
    if not isinstance(digital, list):
        raise ValueError(
            f"model {folder}: digital is {shown(digital)}, but must be a list of heads"
        )
    one_array = saved.get("shared", False)
    heads = _whole(folder, table, "num_attention_heads", "n_head")
    shared = _whole(folder, table, "num_key_value_heads", default=heads)
    if heads % shared:
        raise ValueError(
            f"model {folder} has {heads} query heads, no multiple of its {shared} key and value "
            "heads"
        )
    width = _whole(folder, table, "hidden_size", "n_embd")
    dims = _whole(folder, table, "head_dim", default=width // heads)
    if dims != config.head_dim:
        raise ValueError(
            f"model {folder} has heads of {dims} dimensions, but the config's have "
            f"{config.head_dim}"
        )
    try:
        return Beside(
            recent=saved.get("recent", 0) if mapped else 0,
            maps=bool(mapped),
            sharing=heads // shared,
            shared=one_array,
            digital=len(digital),
            heads=heads * len(mapped),
            source=f"{folder}, {len(mapped)} of its {len(saved['kinds'])} layers",
        )
    except (TypeError, ValueError) as error:
        raise ValueError(f"model {folder}: {error}") from error


def _whole(folder: Path, table: Mapping[str, Any], *names: str, default: int | None = None) -> int:
    """The first of ``names`` that the model's config has, a whole number above 0."""
    value = next((table[name] for name in names if table.get(name) is not None), default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(
            f"model {folder}: {names[0]} is {shown(value)}, but must be a whole number above 0"
        )
    return value
