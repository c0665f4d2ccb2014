"""Models decoded from GGUF files, kept in the cache: the next load reads plain weights.

To decode one costs much time, most of it for its tables of words and names. An entry is a folder
that ``save_pretrained`` wrote, with the checksums of its files. Its name follows from the content
of the GGUF file and from the versions of what reads it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
import zlib
from hashlib import file_digest, sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gaincell.cache import cache_folder
from gaincell.files import UNFINISHED, new_folder, remove_folder

FORMAT = 1
"""Of an entry; a new number when entries change."""
SUMS = "sums.json"
MOST_ENTRIES = 3
"""Models that are kept: those used last."""
PART_OF_FREE = 4
"""A model is kept if so many of its size find room on the disk."""
ABANDONED_S = 3600.0
"""Age at which an unfinished entry belongs to no running process."""
BLOCK = 1 << 22


def entry_of(file: Path) -> Path | None:
    """Where the model of a GGUF file is kept, or would be; None: the user has no home."""
    try:
        folder = cache_folder() / "models"
    except RuntimeError:
        return None
    with file.open("rb") as stream:
        content = file_digest(stream, "sha256").hexdigest()
    recipe = FORMAT, content, *(f"{name} {version(name)}" for name in ("transformers", "gguf"))
    return folder / f"gguf-{sha256(repr(recipe).encode()).hexdigest()[:24]}"


def is_whole(entry: Path | None, *, weights: bool = True) -> bool:
    """Whether an entry is there with every byte that was written; a damaged one is removed.

    ``weights`` False: the large files are not read.
    """
    if entry is None or not entry.is_dir():
        return False
    try:
        sums = json.loads((entry / SUMS).read_text(encoding="utf-8"))
        for name, found in sums.items():
            if (weights or not name.endswith(".safetensors")) and _sum(entry / name) != found:
                raise ValueError(f"{entry / name} has changed")
        os.utime(entry)
    except (OSError, ValueError, AttributeError):
        discard(entry)
        return False
    return True


def discard(entry: Path) -> None:
    """Remove an entry; whoever reads it at this moment decodes the model again."""
    with contextlib.suppress(OSError):
        remove_folder(entry)


def keep(entry: Path | None, model: Any, tokenizer: Any) -> bool:
    """Write an entry, whole or not at all; False: it has no place or too little room.

    Raises
    ------
    Exception
        Any, of the libraries that write; nothing is left then.
    """
    if entry is None:
        return False
    folder = entry.parent
    folder.mkdir(parents=True, exist_ok=True)
    size = sum(each.numel() * each.element_size() for each in model.parameters())
    if shutil.disk_usage(folder).free < PART_OF_FREE * size:
        return False
    with new_folder(entry) as unfinished:
        model.save_pretrained(unfinished)
        tokenizer.save_pretrained(unfinished)
        sums = {path.name: _sum(path) for path in sorted(unfinished.iterdir())}
        (unfinished / SUMS).write_text(json.dumps(sums, indent=1) + "\n", encoding="utf-8")
    _tidy(folder)
    return True


def _sum(path: Path) -> list[int]:
    """Size and checksum of a file."""
    size = total = 0
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            size, total = size + len(block), zlib.crc32(block, total)
    return [size, total]


def _tidy(folder: Path) -> None:
    """Leave the entries used last, and nothing of processes that were killed."""
    now, ages = time.time(), {}
    for path in folder.iterdir():
        with contextlib.suppress(OSError):  # another process removed it
            ages[path] = now - path.stat().st_mtime
    entries = sorted((path for path in ages if path.name.startswith("gguf-")), key=ages.__getitem__)
    for path in entries[MOST_ENTRIES:]:
        discard(path)
    for path, age in ages.items():
        if path.name.startswith(UNFINISHED) and age > ABANDONED_S:
            shutil.rmtree(path, ignore_errors=True)
