"""What a command of the digital control works on: --config for a head, --core for a core."""

import argparse

from gaincell.commands.options.common import LARGEST, add_config, check_least
from gaincell.config import HeadConfig
from gaincell.config_file import load_config
from gaincell.core.config import CoreConfig
from gaincell.core.file import load_core


def add_design(parser: argparse.ArgumentParser) -> None:
    """--config or --core, one of which is required, and --heads for the latter."""
    either = parser.add_mutually_exclusive_group(required=True)
    add_config(either, required=False)
    either.add_argument(
        "--core",
        metavar="CONFIG",
        help="the same for heads in lock step under one control; a table [core] in the file may "
        "say how many, how they share keys, and the widths of beats",
    )
    parser.add_argument(
        "--heads", type=int, help="heads of --core; default: those of its table, or 1"
    )


def design_of(arguments: argparse.Namespace) -> HeadConfig | CoreConfig:
    """The head of --config, or the core of --core and --heads.

    Raises
    ------
    TypeError, ValueError
        As ``load_core``; or --heads without --core.
    """
    check_least(arguments, 1, "heads", most=LARGEST)
    if arguments.core is not None:
        return load_core(arguments.core, arguments.heads)
    if arguments.heads is not None:
        raise ValueError(f"--heads is {arguments.heads}, but means nothing without --core")
    return load_config(arguments.config)
