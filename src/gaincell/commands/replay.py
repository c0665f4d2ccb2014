"""``gaincell replay``: a design's transistors on the wires of a head's Verilog."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gaincell.commands.options.common import add_config, add_output, add_seed
from gaincell.commands.options.inputs import add_input, tokens_of
from gaincell.commands.shown.replay import result_rows
from gaincell.config import HeadConfig
from gaincell.config_file import load_config, read_table
from gaincell.design_file import record_of
from gaincell.files import check_writable, make_folder, replacing
from gaincell.refusals import Failed, refusing
from gaincell.text import table
from gaincell.versions import versions

if TYPE_CHECKING:
    from gaincell.spice.replay.run import Chosen

TOKENS = 20
MOST_LINES = 64
"""Score columns and output lines that are simulated without a choice: about half an hour."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument(
        "--design",
        required=True,
        help="a shipped design's name, or a folder with design.toml and netlist.sp, whose record "
        "the config names as its cell",
    )
    add_input(parser, count=TOKENS)
    add_seed(parser, "random tokens")
    chosen = parser.add_argument_group("lines that are simulated; default all of a small head")
    chosen.add_argument("--tiles", metavar="LIST", help="sub-tiles, such as 0 or 0,3")
    chosen.add_argument("--columns", metavar="LIST", help="score columns of each sub-tile")
    chosen.add_argument("--output-dims", metavar="LIST", help="output lines of each sub-tile")
    parser.add_argument("--keep-decks", action="store_true", help="keep every deck in decks/")
    add_output(parser, "folder for report.json and picture.png", required=True)


def run(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from gaincell.pictures.replay import draw_replay
    from gaincell.spice.design import load_design
    from gaincell.spice.ngspice import NoResult, need_ngspice, ngspice_version
    from gaincell.spice.replay.compare import report
    from gaincell.spice.replay.example import example_of
    from gaincell.spice.replay.head import replayed_head
    from gaincell.spice.replay.run import replay
    from gaincell.spice.replay.verilog import run_verilog

    folder: Path = arguments.output
    with refusing():
        config = load_config(arguments.config)
        design = load_design(arguments.design)
        named = read_table(arguments.config)
        record = record_of(named, Path(arguments.config).parent, design.name)
        head = replayed_head(config, design, record)
        tokens = tokens_of(arguments, head.config, count=TOKENS)
        chosen = _chosen(arguments, head.config)
        need_ngspice()
        _ = design.models
        make_folder(folder)
        decks = folder / "decks" if arguments.keep_decks else None
        if decks is not None:
            make_folder(decks)
        for name in ("report.json", "picture.png"):
            check_writable(folder / name)
    control = run_verilog(head, tokens, arguments.seed)
    try:
        with tqdm(total=chosen.decks, desc="simulating transistors", unit="line") as bar:
            replayed = replay(head, control, chosen, decks=decks, step=lambda _: bar.update())
    except NoResult as error:
        raise Failed(f"design {design.name}: {error}") from error
    result: dict[str, Any] = {
        "design": {"name": design.name, "sha256": design.sha256, "models": design.models.source},
        "head": head.config.fields_set(),
        "cells_side_by_side": {"score": head.score_gang, "output": head.output_gang},
        "tokens": len(tokens),
        "queries": control.reads,
        **report(replayed),
        "example": example_of(replayed),
        "made": {**versions("numpy"), "ngspice": ngspice_version(), "seed": arguments.seed},
    }
    with replacing(folder / "report.json") as unfinished:
        unfinished.write_text(f"{json.dumps(result)}\n")
    draw_replay(result, folder / "picture.png")
    print(table(result_rows(result)))
    print(f"  {folder / 'report.json'} has all numbers")
    return 0


def _chosen(arguments: argparse.Namespace, config: HeadConfig) -> "Chosen":
    """The lines of --tiles, --columns and --output-dims, each by default all.

    Raises
    ------
    ValueError
        A list names what the head does not have, or there are too many lines without a choice.
    """
    from gaincell.spice.replay.run import Chosen

    tiles = _numbers(arguments.tiles, "--tiles", config.tiles)
    columns = _numbers(arguments.columns, "--columns", config.columns)
    rows = _numbers(arguments.output_dims, "--output-dims", config.head_dim)
    slots = [
        tile * config.columns + column
        for tile in tiles
        for column in columns
        if tile * config.columns + column < config.stored_columns
    ]
    lines = [(tile, row) for tile in tiles for row in rows]
    given = (arguments.columns, arguments.output_dims)
    if None in given and len(slots) + len(lines) > MOST_LINES:
        raise ValueError(
            f"{len(slots)} score columns and {len(lines)} output lines are too many to simulate "
            f"({MOST_LINES} without a choice): give --tiles, --columns and --output-dims"
        )
    if not slots:
        raise ValueError("none of the chosen columns exists: the sink has fewer")
    return Chosen(slots, lines)


def _numbers(text: str | None, option: str, count: int) -> list[int]:
    if text is None:
        return list(range(count))
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() and int(word) < count for word in words):
        raise ValueError(
            f"{option} is {text or repr(text)}, but must be numbers in 0..{count - 1}, such as 0,1"
        )
    return sorted({int(word) for word in words})
