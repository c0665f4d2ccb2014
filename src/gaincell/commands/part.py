"""``gaincell part``: draw a subcircuit of a design, check it, and compare it with its netlist."""

import argparse
from pathlib import Path

from gaincell.commands.options.common import add_output
from gaincell.commands.options.drawing import add_process
from gaincell.commands.shown.drawing import check_rows, require_clean
from gaincell.files import check_new_folder, new_folder
from gaincell.layout.klayout import db
from gaincell.layout.process import load_process
from gaincell.layout.results import METRICS
from gaincell.refusals import refusing
from gaincell.text import table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--design",
        required=True,
        help="a shipped design's name, or a folder with design.toml and netlist.sp",
    )
    parser.add_argument(
        "--part",
        required=True,
        help="a subcircuit of transistors, capacitors and resistors, such as line_driver",
    )
    add_process(parser)
    add_output(parser, "new folder for the GDS, a picture and metrics.json", required=True)


def run(arguments: argparse.Namespace) -> int:
    from gaincell.layout.arrays.picture import draw_layout
    from gaincell.layout.rows.flow import PICTURE, lay_out_part
    from gaincell.spice.design import load_design

    output: Path = arguments.output
    with refusing():
        process = load_process(arguments.process)
        design = load_design(arguments.design)
        check_new_folder(output)
    db()
    with new_folder(output) as folder, refusing():
        metrics, picture = lay_out_part(design, process, arguments.part, folder)
        width, height = metrics.um
        title = f"{metrics.part} of design {design.name} in {process.name}, "
        title += f"{width:.2f} x {height:.2f} µm"
        draw_layout(picture.outlines, picture.lines, title, folder / PICTURE)
    rows = [(metrics.part, f"{width:.2f} x {height:.2f} um, {metrics.um2:.1f} um2")]
    if metrics.estimate_um2 is not None:
        low, high = metrics.estimate_um2
        rows.append(("estimate", f"{low:.1f}..{high:.1f} um2"))
    print(table(rows + check_rows(metrics)))
    print(f"  {output / METRICS} has all numbers")
    require_clean(metrics)
    return 0
