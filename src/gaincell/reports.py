"""Short tables for the terminal."""

from collections.abc import Iterable
from pathlib import Path


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Two aligned columns, one line per row."""
    rows = list(rows)
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"  {name:{width}}  {value}" for name, value in rows)


def file_size(path: Path) -> str:
    """Size of a file in kB (1000 bytes)."""
    return f"{path.stat().st_size / 1000:.0f} kB"
