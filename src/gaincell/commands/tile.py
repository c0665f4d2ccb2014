"""``gaincell tile``: draw a sub-tile of gain cells, check it, and compare it with its netlist."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from gaincell.commands.options.common import add_config, add_output
from gaincell.commands.options.drawing import add_drawn_cell, add_process
from gaincell.commands.shown.drawing import check_rows, require_clean, say
from gaincell.config_file import load_config
from gaincell.files import check_new_folder, new_folder
from gaincell.layout.klayout import db
from gaincell.layout.process import load_process
from gaincell.layout.results import METRICS
from gaincell.refusals import refusing
from gaincell.text import table

if TYPE_CHECKING:
    from gaincell.layout.arrays.flow import TileMetrics


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    add_drawn_cell(parser)
    add_process(parser)
    parser.add_argument(
        "--array",
        choices=("keys", "values"),
        default="keys",
        help="keys: a row for each dimension, written by columns; values: a row for each token, "
        "written by rows; default keys",
    )
    add_output(parser, "new folder for the GDS, a picture and metrics.json", required=True)


def run(arguments: argparse.Namespace) -> int:
    from gaincell.layout.arrays.flow import PICTURE, lay_out_tile
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
            design, config, process, folder, say, values=arguments.array == "values"
        )
        area = f"{metrics.cell_um[0]:.2f} x {metrics.cell_um[1]:.2f} µm"
        title = f"Gain cell of design {design.name} in {process.name}, {area}"
        draw_layout(picture.outlines, picture.lines, title, folder / PICTURE)
    print(table(result_rows(metrics)))
    print(f"  {output / METRICS} has all numbers")
    require_clean(metrics)
    return 0


def result_rows(metrics: "TileMetrics") -> list[tuple[str, str]]:
    """The table of one run."""
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
        *check_rows(metrics),
        ("wires", f"{wires} fF per cell to the substrate"),
    ]
