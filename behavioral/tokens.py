"""Tokens from npz files, and the shipped or random ones."""

import zipfile
import zlib
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral.codes import check_first, check_sequence
from gaincell.config import PRESETS, HeadConfig

Tokens = dict[str, NDArray[Any]]
"""q: integer codes (T, D) or (T, G, D); k, v: (T, D); first: flags (T,)."""

REQUIRED = ("q", "k", "v")


def load_tokens(path: Path, config: HeadConfig, count: int | None = None) -> Tokens:
    """Tokens of an npz file: ``q``, ``k``, ``v`` and, optionally, ``first``, as in ``Tokens``.

    Other arrays in the file are left alone. ``count`` takes only the first tokens.

    Raises
    ------
    ValueError
        Unreadable file, missing array, wrong shape, codes out of range, fewer tokens than
        ``count``, or none.
    TypeError
        An array does not hold integers.
    """
    if not path.is_file():
        raise ValueError(f"input {path} is not a file")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"input {path} is not a complete npz file")
    try:
        with np.load(path, allow_pickle=False) as stored:
            present = [name for name in (*REQUIRED, "first") if name in stored]
            tokens = {name: stored[name] for name in present}
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"input {path} is not a complete npz file: {error}") from error
    except ValueError as error:
        raise ValueError(f"input {path} holds objects, but must hold plain numbers") from error
    if missing := [name for name in REQUIRED if name not in tokens]:
        raise ValueError(f"input {path} lacks the array {', '.join(missing)}")
    try:
        return _checked(tokens, config, count)
    except (TypeError, ValueError) as error:
        raise type(error)(f"input {path}: {error}") from error


def random_tokens(count: int, config: HeadConfig, rng: np.random.Generator) -> Tokens:
    """``count`` tokens of one sequence with uniformly random codes."""
    shape = (count, config.head_dim)
    return {
        "q": rng.integers(0, config.query_max + 1, shape),
        "k": rng.integers(0, config.key_max + 1, shape),
        "v": rng.integers(0, config.value_max + 1, shape),
        "first": np.arange(count) == 0,
    }


def shipped_tokens(config: HeadConfig, count: int | None = None) -> Tokens:
    """Codes of one head of a language model reading a text; see gaincell/data/README.md."""
    with as_file(files("gaincell.data") / "smollm2_head_codes.npz") as path:
        return load_tokens(path, config, count)


def typical_tokens(config: HeadConfig, seed: int) -> tuple[Tokens, str]:
    """Shipped codes if ``config`` has their shape, else random ones; and where they are from."""
    codes = ("head_dim", "query_bits", "key_bits", "value_bits")
    if all(getattr(config, name) == getattr(PRESETS["gpt2"], name) for name in codes):
        return shipped_tokens(config), "SmolLM2 reading a text (shipped)"
    count = 2 * config.window + config.sink
    tokens = random_tokens(count, config, np.random.default_rng(seed))
    return tokens, (
        f"{count} random tokens, seed {seed}, "
        "since the shipped codes are not of this config's shape"
    )


def _checked(tokens: Tokens, config: HeadConfig, count: int | None) -> Tokens:
    available = check_sequence(tokens["q"], tokens["k"], tokens["v"], config).tokens
    tokens["first"] = check_first(tokens.get("first"), available)
    if not available:
        raise ValueError("it holds no tokens")
    if count is not None and count > available:
        raise ValueError(f"it holds {available} tokens, fewer than the {count} asked for")
    return {name: array[:count] for name, array in tokens.items()}
