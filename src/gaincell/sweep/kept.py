"""Results of jobs in the cache: written one by one as they come, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gaincell.cache import make_cache
from gaincell.files import replacing


def read_kept(place: Path) -> dict[str, Any] | None:
    """The outcome that is kept at ``place``; None: there is none, or it cannot be read."""
    try:
        outcome = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    usable = isinstance(outcome, dict) and ("result" in outcome or "refused" in outcome)
    return outcome if usable else None


def keep(place: Path, outcome: dict[str, Any]) -> None:
    """Write an outcome, unless it says that something hindered the job here and now.

    Raises
    ------
    OSError
        The cache's disk is full or broken.
    Unable
        The cache cannot be made.
    """
    if "failed" in outcome:
        return
    make_cache()
    place.parent.mkdir(exist_ok=True)
    with replacing(place) as unfinished:
        unfinished.write_text(json.dumps(outcome) + "\n", encoding="utf-8")
