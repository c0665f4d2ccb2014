"""Tables for the terminal and for Markdown pages."""

from collections.abc import Iterable, Sequence
from pathlib import Path


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Two aligned columns, one line per row."""
    rows = list(rows)
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"  {name:{width}}  {value}" for name, value in rows)


def grid(rows: Iterable[Sequence[str]]) -> str:
    """Aligned columns: the first to the left, all others, which hold numbers, to the right."""
    rows = list(rows)
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = [f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join(["", f"{first:{widths[0]}}", *cells]).rstrip())
    return "\n".join(lines)


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of a Markdown page, one line per row; ``|`` in a cell is escaped."""
    lines = [heads, ["---"] * len(heads), *rows]
    escaped = ([cell.replace("|", r"\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)


def file_size(path: Path) -> str:
    """Size of a file in kB (1000 bytes)."""
    return f"{path.stat().st_size / 1000:.0f} kB"


def si(value: float, unit: str, digits: int = 4, micro: str = "u") -> str:
    """A value with ``digits`` digits, a prefix from none down to pico, and its unit."""
    for factor, prefix in ((1.0, ""), (1e-3, "m"), (1e-6, micro), (1e-9, "n")):
        if abs(value) >= factor:
            return f"{value / factor:.{digits}g} {prefix}{unit}"
    return f"{value * 1e12:.{digits}g} p{unit}"
