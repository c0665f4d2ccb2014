"""Reads a text that somebody else wrote, and refuses files that are none."""

from __future__ import annotations

import codecs
from pathlib import Path

LFS_POINTER = b"version https://git-lfs.github.com/"
"""Start of the few lines that Git keeps in place of a large file that it has not fetched."""

_OTHERS = {
    LFS_POINTER: "is a Git LFS pointer, not the file: fetch it with git lfs pull",
    b"\x1f\x8b": "is compressed with gzip: unpack it first",
    b"BZh": "is compressed with bzip2: unpack it first",
    b"\xfd7zXZ": "is compressed with xz: unpack it first",
    b"\x28\xb5\x2f\xfd": "is compressed with zstd: unpack it first",
    b"PK\x03\x04": "is a zip archive: unpack it first",
    b"PAR1": "is a Parquet table: write its texts to a text file",
    codecs.BOM_UTF32_LE: "is UTF-32: write it anew as UTF-8",
    codecs.BOM_UTF16_LE: "is UTF-16: write it anew as UTF-8",
    codecs.BOM_UTF16_BE: "is UTF-16: write it anew as UTF-8",
}
"""What else a file may be, by its first bytes; UTF-32 stands before UTF-16, which begins alike."""


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, with lines that end alike and without a byte order mark.

    Raises
    ------
    ValueError
        The file is not there or may not be read, is of another kind, or is no UTF-8.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"text {path} cannot be read: {error.strerror}") from error
    _check_kind(path, data)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"text {path} is no UTF-8: byte {error.start} is {data[error.start]:#x}; write it anew "
            "as UTF-8"
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def check_text(path: Path) -> None:
    """Check the first bytes of a text; raises as ``read_text``.

    A pipe is not opened: it can be read only once.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        return
    try:
        with path.open("rb") as stream:
            data = stream.read(1 << 12)
    except OSError as error:
        raise ValueError(f"text {path} cannot be read: {error.strerror}") from error
    _check_kind(path, data)


def _check_kind(path: Path, data: bytes) -> None:
    for start, what in _OTHERS.items():
        if data.startswith(start):
            raise ValueError(f"text {path} {what}")
    zero = data.find(0)
    if zero >= 0:
        raise ValueError(f"text {path} is no text: byte {zero} is 0, as in UTF-16 or binary files")
