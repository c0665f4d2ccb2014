"""Files that a point depends on: whoever names a result by them counts content, not names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from gaincell.config import HeadConfig
from gaincell.inputs.model_places import place_of
from gaincell.sweep.settings import TokenSettings

if TYPE_CHECKING:
    from gaincell.behavioral.tokens import Tokens


@dataclass(frozen=True)
class InputFile:
    """A file; its ``repr`` tells its content and not its place.

    path : absolute, as the workers see it
    """

    path: str = field(repr=False)
    sha256: str


@dataclass(frozen=True)
class Codes:
    """The codes that a head reads; ``file`` None: shipped or random ones."""

    file: InputFile | None
    seed: int
    count: int | None


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
    """What [tokens] asks for."""
    file = None if settings.input is None else file_at(settings.input, folder)
    return Codes(file, settings.seed, settings.count)


def tokens_of(codes: Codes, config: HeadConfig) -> Tokens:
    """The tokens themselves.

    Raises
    ------
    ValueError
        The file holds no such codes, or fewer tokens than are asked for.
    """
    from gaincell.behavioral.tokens import load_tokens, typical_tokens

    if codes.file is not None:
        return load_tokens(Path(codes.file.path), config, codes.count)
    tokens, source = typical_tokens(config, codes.seed)
    if codes.count is not None and codes.count > len(tokens):
        raise ValueError(f"[tokens] count is {codes.count}, but there are {len(tokens)}: {source}")
    return tokens[: codes.count]
