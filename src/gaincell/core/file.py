"""CoreConfig from a config file: its head, and the table ``[core]``."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from gaincell.config_file import CORE_TABLE, load_config, read_table
from gaincell.core.config import CoreConfig
from gaincell.tables import shown, unknown_keys

CORE_FIELDS = tuple(field.name for field in fields(CoreConfig) if field.name != "head")


def load_core(source: str | Path, heads: int | None = None) -> CoreConfig:
    """The core of the preset named ``source``, or of the TOML file of that path.

    A file has the keys of a head, as for ``load_config``, and may have a table ``[core]`` with the
    other fields of ``CoreConfig``.

    Parameters
    ----------
    heads : int, optional
        H, in place of what the table says.

    Raises
    ------
    TypeError, ValueError
        As ``load_config``; or the table has an unknown key, or a wrong value.
    """
    head = load_config(source)
    table = read_table(source).get(CORE_TABLE, {})
    if not isinstance(table, dict):
        raise TypeError(
            f"config {source}: {CORE_TABLE} is {shown(table)}, but must be a table [{CORE_TABLE}]"
        )
    if unknown := unknown_keys(table, CORE_FIELDS):
        raise ValueError(f"config {source}: [{CORE_TABLE}] {'; '.join(unknown)}")
    chosen = table if heads is None else {**table, "heads": heads}
    try:
        return CoreConfig(head=head, **chosen)
    except (TypeError, ValueError) as error:
        sentences = str(error).split("; ")
        said = "; ".join(f"[{CORE_TABLE}] {sentence}" for sentence in sentences)
        raise type(error)(f"config {source}: {said}") from error


def core_to_toml(core: CoreConfig) -> str:
    """The table ``[core]``, without fields left to their default; nothing for a lone head."""
    lines = [f"{name} = {value}" for name, value in core.fields_set().items()]
    return "".join(f"{line}\n" for line in [f"\n[{CORE_TABLE}]", *lines]) if lines else ""
