"""Options on the digital work beside the arrays: recent tokens, maps, and who shares a buffer."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gaincell.commands.options.common import check_least
from gaincell.config import HeadConfig
from gaincell.synth.estimate.beside import MOST_RECENT, Beside
from gaincell.synth.estimate.saved_model import beside_in

SETTINGS = ("recent", "maps", "sharing", "shared")


def add_beside(parser: argparse.ArgumentParser) -> None:
    """--recent, --maps, --sharing, --shared-keys, and --model, which tells all four."""
    beside = parser.add_argument_group("beside the arrays")
    beside.add_argument(
        "--recent",
        type=int,
        help="newest tokens in a digital softmax, and with them a text's first one; default 0",
    )
    beside.add_argument(
        "--maps",
        action="store_true",
        default=None,
        help="each query head maps q, k and v by matrices, as the closed-form start makes them",
    )
    beside.add_argument(
        "--sharing",
        type=int,
        help="query heads that share keys and values, so the buffer of --recent; default 1",
    )
    beside.add_argument(
        "--shared-keys",
        dest="shared",
        action="store_true",
        default=None,
        help="the heads of --sharing share maps of keys and values and one array, too, and read it "
        "in turn",
    )
    beside.add_argument(
        "--model",
        type=Path,
        metavar="FOLDER",
        help="a converted model, whose config.json tells these four",
    )


def _check_shared(given: Mapping[str, Any]) -> None:
    """Raise ValueError if what heads share is asked for, and nothing that they could share."""
    if given.get("shared") and given.get("sharing", 1) == 1:
        raise ValueError("--shared-keys is of the heads of --sharing: give 2 or more of them")
    if "sharing" in given and "recent" not in given and "maps" not in given:
        raise ValueError(
            f"--sharing is {given['sharing']}, but means nothing without --recent or --maps"
        )


def beside_of(arguments: argparse.Namespace, config: HeadConfig) -> Beside:
    """What stands beside the arrays of ``config``'s head, as the options tell.

    Raises
    ------
    ValueError
        A number is out of its range, --model stands beside another of these options, or its folder
        holds no converted model with heads like ``config``'s.
    """
    check_least(arguments, 0, "recent", most=MOST_RECENT)
    check_least(arguments, 1, "sharing", most=MOST_RECENT)
    options = {name: getattr(arguments, name) for name in SETTINGS}
    given = {name: value for name, value in options.items() if value is not None}
    if arguments.model is None:
        _check_shared(given)
        return Beside(**given)
    if given:
        name = next(iter(given)).replace("shared", "shared-keys")
        raise ValueError(f"--model tells what --{name} is: give one of them")
    return beside_in(arguments.model, config)
