"""A folder in pieces that are small enough to be carried, and the folder from its pieces."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from gaincell.files import check_new_folder, new_folder, replacing
from gaincell.tables import read_json

LIST = "pieces.json"
LARGEST = 60_000_000
"""Bytes of a piece."""
BLOCK = 1 << 20


def cut(folder: Path, output: Path, largest: int = LARGEST) -> list[Path]:
    """Write a folder's files to ``output``: pieces, and a list of them with their hashes.

    Raises
    ------
    ValueError
        ``output`` exists, or pieces would be of no byte.
    """
    if largest < 1:
        raise ValueError(f"a piece has {largest} bytes, but must have at least 1")
    check_new_folder(output)
    with TemporaryDirectory(dir=output.parent) as work, new_folder(output) as whole:
        packed = Path(work) / "packed"
        with tarfile.open(packed, "w:gz", compresslevel=6) as archive:
            for path in sorted(folder.rglob("*")):
                archive.add(path, path.relative_to(folder), recursive=False)
        hashes: dict[str, str] = {}
        with packed.open("rb") as stream:
            while block := stream.read(largest):
                name = f"piece-{len(hashes):03}"
                (whole / name).write_bytes(block)
                hashes[name] = sha256(block).hexdigest()
        (whole / LIST).write_text(json.dumps(hashes, indent=1) + "\n", encoding="utf-8")
    return [output / name for name in hashes]


def gather(sources: Iterable[Path], store: Path, folder: Path) -> list[str]:
    """Put pieces from ``sources`` into ``store``, and make ``folder`` when all are there.

    ``sources`` are folders that ``cut`` wrote, or parts of them: each holds the list.

    Returns
    -------
    Names of the pieces that are still missing; none: the folder is there.

    Raises
    ------
    ValueError
        A source has no list, a list of other pieces, or a piece that is damaged.
    """
    if folder.is_dir():
        return []
    store.mkdir(parents=True, exist_ok=True)
    for source in sources:
        hashes = _hashes(source)
        if (store / LIST).is_file() and _hashes(store) != hashes:
            raise ValueError(f"{source} holds pieces of another folder than {store}")
        shutil.copyfile(source / LIST, store / LIST)
        for name, digest in hashes.items():
            if (source / name).is_file() and not (store / name).is_file():
                block = (source / name).read_bytes()
                if sha256(block).hexdigest() != digest:
                    raise ValueError(f"{source / name} is damaged: copy it again")
                with replacing(store / name) as unfinished:
                    unfinished.write_bytes(block)
    names = list(_hashes(store))
    missing = [name for name in names if not (store / name).is_file()]
    if not missing:
        _unpack([store / name for name in names], folder)
    return missing


def _hashes(folder: Path) -> dict[str, str]:
    """The list of pieces in a folder: their names and hashes."""
    found = read_json(folder / LIST, "list of pieces")
    good = isinstance(found, dict) and found
    if not good or not all(isinstance(x, str) and "/" not in x for x in (*found, *found.values())):
        raise ValueError(f"{folder / LIST} is no list of pieces")
    return dict(found)


def _unpack(pieces: list[Path], folder: Path) -> None:
    with TemporaryDirectory(dir=folder.parent) as work, new_folder(folder) as whole:
        packed = Path(work) / "packed"
        with packed.open("wb") as stream:
            for piece in pieces:
                with piece.open("rb") as source:
                    shutil.copyfileobj(source, stream, BLOCK)
        with tarfile.open(packed, "r:gz") as archive:
            archive.extractall(whole, filter="data")
