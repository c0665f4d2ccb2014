"""``gaincell tile``: draw a sub-tile of gain cells, check it, and compare it with its netlist."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gaincell.commands.options.common import add_config, add_output
from gaincell.commands.shown.deck import deck_text
from gaincell.config_file import load_config
from gaincell.files import check_new_folder, new_folder
from gaincell.layout.klayout import db
from gaincell.layout.process import load_process, processes
from gaincell.refusals import Failed, refusing
from gaincell.text import table

if TYPE_CHECKING:
    from gaincell.layout.arrays.flow import TileMetrics


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument(
        "--design",
        help="a shipped design's name, or a folder with design.toml and netlist.sp, whose cell is "
        "drawn; default: the process's own",
    )
    parser.add_argument(
        "--process",
        default="sky130",
        help=f"one of {', '.join(processes())}; default sky130",
    )
    parser.add_argument(
        "--array",
        choices=("keys", "values"),
        default="keys",
        help="keys: a row for each dimension, written by columns; values: a row for each token, "
        "written by rows; default keys",
    )
    add_output(parser, "new folder for the GDS, a picture and metrics.json", required=True)


def run(arguments: argparse.Namespace) -> int:
    from gaincell.layout.arrays.flow import METRICS, PICTURE, lay_out_tile
    from gaincell.layout.arrays.picture import draw_layout
    from gaincell.spice.design import load_design

    output: Path = arguments.output
    with refusing():
        config = load_config(arguments.config)
        process = load_process(arguments.process)
        design = load_design(arguments.design or process.design)
        check_new_folder(output)
    db()
    with new_folder(output) as folder, refusing():
        metrics, picture = lay_out_tile(
            design, config, process, folder, _say, values=arguments.array == "values"
        )
        area = f"{metrics.cell_um[0]:.2f} x {metrics.cell_um[1]:.2f} um"
        title = f"Gain cell of design {design.name} in {process.name}, {area}"
        draw_layout(picture.outlines, picture.lines, title, folder / PICTURE)
    print(table(result_rows(metrics)))
    print(f"  {output / METRICS} has all numbers")
    official = metrics.deck.violations if metrics.deck else 0
    if metrics.violations or official or not metrics.same_circuit:
        raise Failed("the drawing breaks rules of the process, or has another circuit")
    return 0


def result_rows(metrics: "TileMetrics") -> list[tuple[str, str]]:
    """The table of one run."""
    broken = ", ".join(f"{name} {count}" for name, count in metrics.violations.items())
    (width, height), (whole, high) = metrics.cell_um, metrics.tile_um
    wires = ", ".join(f"{name} {1e15 * value:.2f}" for name, value in metrics.wires_f.items())
    return [
        ("gain cell", f"{width:.3f} x {height:.3f} um, {metrics.cell_um2:.2f} um2"),
        (
            "at 28 nm",
            f"{metrics.cell_um2_28nm:.2f} um2 by the square of the nodes; the paper's has 1 um2",
        ),
        (
            "sub-tile",
            f"{metrics.dims} x {metrics.tokens} cells of {metrics.array}, "
            f"{whole:.1f} x {high:.1f} um",
        ),
        ("rules", f"{metrics.rules} checked, {broken or 'none broken'}"),
        ("official deck", deck_text(metrics.deck)),
        (
            "circuit",
            f"{'that of' if metrics.same_circuit else 'NOT that of'} design {metrics.design}, "
            f"{metrics.transistors} transistors",
        ),
        ("wires", f"{wires} fF per cell to the substrate"),
    ]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
