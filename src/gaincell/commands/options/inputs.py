"""Tokens of a command: --input with a file of codes, or --tokens for random ones."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gaincell.commands.options.common import check_least
from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig, core_of

if TYPE_CHECKING:
    from gaincell.behavioral.tokens import Tokens

MOST_TOKENS = (1 << 31) - 1


def add_input(parser: argparse.ArgumentParser, *, count: int | None = None) -> None:
    """--input and --tokens; ``count`` tokens, or all of a shorter input, are taken by default."""
    parser.add_argument(
        "--input",
        type=Path,
        help="npz with codes q (T, D) or (T, G, D), k and v (T, D), optional first (T,); of a core "
        "q (T, heads, D), k and v (T, groups, D)",
    )
    text = "take the first N of the input; without input, draw N at random"
    parser.add_argument(
        "--tokens", type=int, help=text if count is None else f"{text}; default {count}"
    )


def tokens_of(
    arguments: argparse.Namespace, config: HeadConfig | CoreConfig, *, count: int | None = None
) -> "Tokens":
    """The tokens that --input, --tokens and --seed ask for; ``count`` as for ``add_input``.

    Raises
    ------
    TypeError, ValueError
        A number is out of its range, the file holds no such tokens, or neither option is given.
    """
    from gaincell.behavioral.tokens import random_tokens

    core = core_of(config)
    check_least(arguments, 1, "tokens", most=MOST_TOKENS)
    check_least(arguments, 0, "seed")
    if arguments.input is not None:
        tokens = tokens_in(arguments.input, config, arguments.tokens)
        return tokens if arguments.tokens is not None else tokens[:count]
    drawn = count if arguments.tokens is None else arguments.tokens
    if drawn is None:
        raise ValueError("give --input, or --tokens for random tokens")
    heads = core.heads_and_groups if core is config else None
    return random_tokens(drawn, core.head, np.random.default_rng(arguments.seed), heads)


def tokens_in(path: Path, config: HeadConfig | CoreConfig, count: int | None) -> "Tokens":
    """The first ``count`` tokens of an npz file, or all; raises as ``load_tokens``."""
    from gaincell.behavioral.tokens import check_heads, load_tokens

    core = core_of(config)
    tokens = load_tokens(path, core.head, count)
    if core is config or tokens.groups is not None:
        try:
            check_heads(tokens, core)
        except ValueError as error:
            raise ValueError(f"input {path}: {error}") from error
    return tokens
