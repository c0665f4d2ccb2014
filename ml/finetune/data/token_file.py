"""Tokens on disk: raw little-endian numbers, read in place, with a JSON file beside them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gaincell.files import replacing
from gaincell.refusals import foreign

Tokens = NDArray[np.uint16] | NDArray[np.uint32] | NDArray[np.int64]

DTYPES = {"uint16": "<u2", "uint32": "<u4"}


@dataclass(frozen=True, kw_only=True)
class TokenFile:
    """What the JSON file beside the tokens says.

    Raises
    ------
    TypeError, ValueError
        A dtype other than uint16 and uint32, or numbers below 1.
    """

    dtype: str
    tokens: int
    vocabulary: int
    """Size of the tokenizer's vocabulary: every token is below it."""
    tokenizer: str
    """The tokenizer's name."""

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ValueError(f"dtype is {self.dtype!r}, but must be uint16 or uint32")
        for name in ("tokens", "vocabulary"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"{name} is {value!r}, but must be a whole number")
            if value < 1:
                raise ValueError(f"{name} is {value}, but must be at least 1")
        if not isinstance(self.tokenizer, str):
            raise TypeError(f"tokenizer is {self.tokenizer!r}, but must be a string")


def description_of(path: Path) -> Path:
    """The JSON file of a token file."""
    return path.with_suffix(".json")


def write_tokens(
    path: Path, pieces: Iterable[NDArray[np.int64]], vocabulary: int, tokenizer: str
) -> TokenFile:
    """Write pieces of tokens, one after the other; whole or not at all.

    uint16 is used for a vocabulary of up to 65536 tokens, else uint32.

    Raises
    ------
    ValueError
        There are no tokens, or one is not 0..vocabulary - 1.
    OSError
        The files cannot be written.
    """
    dtype = "uint16" if vocabulary <= 1 << 16 else "uint32"
    count = 0
    with replacing(path) as unfinished:
        with unfinished.open("wb") as file:
            for piece in pieces:
                if len(piece) and not 0 <= int(piece.min()) <= int(piece.max()) < vocabulary:
                    raise ValueError(f"a token is not 0..{vocabulary - 1}, the vocabulary")
                file.write(piece.astype(DTYPES[dtype]).tobytes())
                count += len(piece)
        if not count:
            raise ValueError("the text has no tokens")
        about = TokenFile(dtype=dtype, tokens=count, vocabulary=vocabulary, tokenizer=tokenizer)
        with replacing(description_of(path)) as description:
            description.write_text(json.dumps(asdict(about), indent=2) + "\n", encoding="utf-8")
    return about


def read_tokens(path: Path) -> tuple[Tokens, TokenFile]:
    """A token file's tokens (T,), mapped and not read, and its description.

    Raises
    ------
    ValueError
        One of the two files cannot be read, or they do not belong together.
    """
    description = description_of(path)
    for each in (description, path):
        if not each.is_file():
            raise ValueError(f"token file {path} cannot be read: No such file, {each}")
    with foreign(f"{description} does not describe a token file"):
        about = TokenFile(**json.loads(description.read_text(encoding="utf-8")))
    size = path.stat().st_size
    wanted = about.tokens * np.dtype(DTYPES[about.dtype]).itemsize
    if size != wanted:
        raise ValueError(
            f"token file {path} has {size} bytes, but {about.tokens} tokens of {about.dtype} "
            f"are {wanted}"
        )
    return np.memmap(path, dtype=DTYPES[about.dtype], mode="r"), about
