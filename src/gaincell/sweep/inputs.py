"""Files that a point depends on: whoever names a result by them counts content, not names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from gaincell.config import HeadConfig
from gaincell.inputs.model_places import place_of
from gaincell.sweep.settings import TokenSettings

if TYPE_CHECKING:
    from gaincell.behavioral.tokens import Tokens

WIDTHS = ("query_bits", "key_bits", "value_bits")


@dataclass(frozen=True)
class InputFile:
    """A file; its ``repr`` tells its content and not its place.

    path : absolute, as the workers see it
    """

    path: str = field(repr=False)
    sha256: str


@dataclass(frozen=True)
class Codes:
    """The codes that a head reads; ``file`` None: shipped or random ones.

    bits : width of all codes in ``file``, which are rounded to the head's; None: they have the
        head's widths
    """

    file: InputFile | None
    seed: int
    count: int | None
    bits: int | None


def file_at(name: str, folder: Path) -> InputFile:
    """The file ``name``, relative to ``folder``.

    Raises
    ------
    ValueError
        It is not there, or cannot be read.
    """
    path = (folder / name).absolute()
    try:
        state = path.stat()
        return InputFile(str(path), _content(path, state.st_mtime_ns, state.st_size))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error


@cache
def _content(path: Path, changed_ns: int, size: int) -> str:
    """Hash of a file; the rest of the arguments tells its states apart."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def files_at(names: Iterable[str], folder: Path) -> tuple[InputFile, ...]:
    """Several files, as ``file_at``."""
    return tuple(file_at(name, folder) for name in names)


def model_at(name: str, folder: Path) -> tuple[str, tuple[InputFile, ...]]:
    """A model's name for its loader, and the files that it is made of; none of one on a hub.

    Raises
    ------
    ValueError
        As ``place_of``.
    """
    name = str((folder / name).absolute()) if (folder / name).exists() else name
    where, file = place_of(name)
    place = Path(where)
    if file is not None:
        return name, (file_at(file, place),)
    if not place.is_dir():
        return name, ()
    return name, files_at(sorted(each.name for each in place.iterdir() if each.is_file()), place)


def codes_of(settings: TokenSettings, folder: Path) -> Codes:
    """What [tokens] asks for.

    Raises
    ------
    ValueError
        A file that is not there, or a width without a file.
    """
    if settings.input is None and settings.input_bits is not None:
        raise ValueError(
            f"[tokens] input_bits is {settings.input_bits}, but input is missing: it is the width "
            "of the codes there"
        )
    file = None if settings.input is None else file_at(settings.input, folder)
    return Codes(file, settings.seed, settings.count, settings.input_bits)


def tokens_of(codes: Codes, config: HeadConfig) -> Tokens:
    """The tokens themselves, in the head's widths.

    Raises
    ------
    ValueError
        The file holds no such codes, or fewer tokens than are asked for; or its codes are narrower
        than the head's.
    """
    from gaincell.behavioral.tokens import typical_tokens

    if codes.file is not None:
        return _rounded(wide_tokens_of(codes, config), wide_of(codes, config), config)
    tokens, source = typical_tokens(config, codes.seed)
    if codes.count is not None and codes.count > len(tokens):
        raise ValueError(f"[tokens] count is {codes.count}, but there are {len(tokens)}: {source}")
    return tokens[: codes.count]


def wide_of(codes: Codes, config: HeadConfig) -> HeadConfig:
    """The head with the widths of the file's codes; without a refresh, which they would hasten."""
    if codes.bits is None:
        return config
    for name in WIDTHS:
        if getattr(config, name) > codes.bits:
            raise ValueError(
                f"{name} is {getattr(config, name)}, but must be at most [tokens] input_bits "
                f"({codes.bits})"
            )
    bits = codes.bits
    return replace(config, query_bits=bits, key_bits=bits, value_bits=bits, refresh=False)


def wide_tokens_of(codes: Codes, config: HeadConfig) -> Tokens:
    """The tokens before they are rounded, in the widths of ``wide_of``. Raises as ``tokens_of``."""
    from gaincell.behavioral.tokens import load_tokens

    if codes.file is None:
        return tokens_of(codes, config)
    return load_tokens(Path(codes.file.path), wide_of(codes, config), codes.count)


def _rounded(tokens: Tokens, wide: HeadConfig, config: HeadConfig) -> Tokens:
    """Codes of the head ``wide`` in the widths of ``config``: the nearest, halves to even ones."""
    import numpy as np

    q, k, v = (
        np.rint(code * (getattr(config, most) / getattr(wide, most))).astype(np.int64)
        for code, most in zip(tokens.codes, ("query_max", "key_max", "value_max"), strict=True)
    )
    return replace(tokens, q_code=q, k_code=k, v_code=v)
