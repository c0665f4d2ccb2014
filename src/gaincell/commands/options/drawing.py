"""Options of commands that draw for a process."""

import argparse

from gaincell.layout.process import processes


def add_process(parser: argparse.ArgumentParser) -> None:
    """--process, a name for ``load_process``."""
    parser.add_argument(
        "--process",
        default="sky130",
        help=f"one of {', '.join(processes())}; default sky130",
    )


def add_drawn_cell(parser: argparse.ArgumentParser) -> None:
    """--design, for ``load_design``; by default ``Process.design``."""
    parser.add_argument(
        "--design",
        help="a shipped design's name, or a folder with design.toml and netlist.sp, whose cell is "
        "drawn; default: the process's own",
    )
