"""Makes the tables of docs/do/study.md and of our cells from the tables of their sweeps."""

import argparse
import csv
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from gaincell.files import replacing
from gaincell.sweep.page import PICTURE
from gaincell.sweep.table import CSV
from gaincell.text import markdown

Row = Mapping[str, str]
TABLES = Path("docs/evidence/tables")
PICTURES = Path("docs/pictures")
BITS = ("query_bits", "key_bits", "value_bits", "readout_bits")
USUAL = ("4", "3", "3", "4")
WINDOW = "1024"
SATURATIONS = ("score_saturation", "output_saturation")
PER_COLUMNS = 64
NOT_RUN = "not run"
MODEL_HEADS = ("perplexity over the stock model's", "divergence, nats per token")


def read(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def named(rows: Sequence[Row]) -> str:
    """Every point with a name."""
    heads = (
        *("head", "analog area, mm²", "control, mm²", "analog energy, nJ", "latency, ns"),
        *("a token every, ns", "error of outputs", *MODEL_HEADS),
    )
    lines = []
    for row in rows:
        if row["name"]:
            lines.append(
                (
                    row["name"],
                    _number(row, "analog_area_mm2", 3),
                    _control(row),
                    _number(row, "analog_energy_nj", 2),
                    _number(row, "latency_ns", 0),
                    _number(row, "interval_ns", 0),
                    _number(row, "output_error", 3),
                    *_in_the_model(row),
                )
            )
    return markdown(heads, lines)


def _control(row: Row) -> str:
    """Area of the digital control: what a head has beside its analog half."""
    if not row["area_mm2"]:
        return NOT_RUN
    return f"{float(row['area_mm2']) - float(row['analog_area_mm2']):.4f}"


def _number(row: Row, name: str, digits: int) -> str:
    return f"{float(row[name]):.{digits}f}" if row[name] else NOT_RUN


def _in_the_model(row: Row) -> tuple[str, str]:
    return (
        _with_error(row, "perplexity_ratio", "perplexity_ratio_error", 3),
        _with_error(row, "divergence_nats", "divergence_error_nats", 4),
    )


def _with_error(row: Row, name: str, error: str, digits: int) -> str:
    if not row[name]:
        return NOT_RUN
    return f"{_number(row, name, digits)} ± {_number(row, error, digits)}"


def of_cells(rows: Sequence[Row]) -> str:
    """Every cell in the model."""
    lines = ((row["name"], *_in_the_model(row)) for row in rows)
    return markdown(("cell", *MODEL_HEADS), lines)


def of_tiles(rows: Sequence[Row]) -> str:
    """Error of outputs by sub-tile and saturations; saturations are those of 64 columns."""
    found: dict[tuple[int, int], dict[int, str]] = {}
    for row in _grid(rows):
        if tuple(row[name] for name in BITS) == USUAL and row["window"] == WINDOW:
            columns = int(row["columns"])
            score, output = (float(row[name]) for name in SATURATIONS)
            key = (int(score), round(output * PER_COLUMNS / columns))
            found.setdefault(key, {})[columns] = _number(row, "output_error", 3)
    sizes = sorted({size for each in found.values() for size in each})
    heads = ("saturations", *(f"{size} columns" for size in sizes))
    lines = (
        (f"{score} and {output}", *(each.get(size, NOT_RUN) for size in sizes))
        for (score, output), each in found.items()
    )
    return markdown(heads, lines)


def of_bits(rows: Sequence[Row]) -> str:
    """Error of outputs by bits and sub-tile, at the saturations 40 and 10."""
    found: dict[tuple[str, ...], dict[int, str]] = {}
    for row in _grid(rows):
        columns = int(row["columns"])
        score, output = (float(row[name]) for name in SATURATIONS)
        if (score, output * PER_COLUMNS / columns) == (40, 10) and row["window"] == WINDOW:
            bits = tuple(row[name] for name in BITS)
            found.setdefault(bits, {})[columns] = _number(row, "output_error", 3)
    sizes = sorted({size for each in found.values() for size in each})
    heads = (*("query", "key", "value", "readout"), *(f"{size} columns" for size in sizes))
    lines = ((*bits, *(each.get(size, NOT_RUN) for size in sizes)) for bits, each in found.items())
    return markdown(heads, lines)


def _grid(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if not row["name"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, help="folder of the sweep of heads")
    parser.add_argument("cells", type=Path, help="folder of the sweep of cells")
    arguments = parser.parse_args()
    rows = read(arguments.runs / CSV)
    text = "\n\n".join((named(rows), of_tiles(rows), of_bits(rows))) + "\n"
    with replacing(TABLES / "study.md") as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    with replacing(TABLES / "cells.md") as unfinished:
        unfinished.write_text(of_cells(read(arguments.cells / CSV)) + "\n", encoding="utf-8")
    shutil.copy(arguments.runs / CSV, TABLES / "study.csv")
    shutil.copy(arguments.runs / PICTURE, PICTURES / "study.svg")


if __name__ == "__main__":
    main()
