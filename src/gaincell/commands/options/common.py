"""Adds the options that several commands have; checks numbers."""

import argparse
import math
from pathlib import Path


def add_config(
    parser: argparse._ActionsContainer, *, default: str | None = None, required: bool = True
) -> None:
    """--config, a name or path for ``load_config``; required unless it has a default."""
    text = "a preset's name or a TOML file"
    if default is not None:
        text += f"; default {default}"
    parser.add_argument(
        "--config", required=required and default is None, default=default, help=text
    )


def add_seed(parser: argparse._ActionsContainer, purpose: str, *, default: int | None = 0) -> None:
    """--seed; the help says "seed of ``purpose``; default 0".

    Parameters
    ----------
    default : None for a command that must know whether the option was given; it then uses 0
    """
    parser.add_argument("--seed", type=int, default=default, help=f"seed of {purpose}; default 0")


def add_output(
    parser: argparse._ActionsContainer,
    content: str,
    *,
    default: Path | None = None,
    required: bool = False,
) -> None:
    """-o or --output, a path. The help is ``content``: what the command writes there."""
    parser.add_argument(
        "-o", "--output", type=Path, default=default, required=required, help=content
    )


def add_node(parser: argparse._ActionsContainer, owner: str) -> None:
    """--node-nm, which is checked by ``check_node``; the help is "technology node ``owner``"."""
    parser.add_argument("--node-nm", type=float, help=f"technology node, nm, {owner}")


def check_node(node_nm: float | None) -> None:
    """Raise ValueError unless the value of --node-nm is absent, or finite and above 0."""
    if node_nm is not None and not (math.isfinite(node_nm) and node_nm > 0):
        raise ValueError(f"--node-nm is {node_nm:g}, but must be finite and above 0")


LARGEST = (1 << 63) - 1
"""Largest whole number of an option: seeds of torch and sizes of arrays end there."""


def check_least(
    arguments: argparse.Namespace, least: int, *names: str, most: int = LARGEST
) -> None:
    """Check that options are absent or in ``least..most``; ``names`` are their attributes.

    Raises
    ------
    ValueError
        A value below ``least`` or above ``most``.
    """
    for name in names:
        value = getattr(arguments, name)
        if value is not None and value < least:
            option = name.replace("_", "-")
            raise ValueError(f"--{option} is {value}, but must be at least {least}")
        if value is not None and value > most:
            raise ValueError(f"--{name.replace('_', '-')} is {value}, but must be at most {most}")
