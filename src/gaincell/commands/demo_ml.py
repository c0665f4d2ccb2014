"""``gaincell demo-ml``: a small language model, trained here, onto the arrays in every way."""

import argparse
import shutil
import time
from dataclasses import replace
from pathlib import Path

from gaincell.commands.options.common import add_output, add_seed, check_least
from gaincell.commands.options.texts import need_ml
from gaincell.files import check_writable, make_folder
from gaincell.refusals import refusing
from gaincell.text import grid, table

RESULTS, PICTURE = "results.json", "curves.png"
MADE = ("train.txt", "held_out.txt", "head.toml", "models", "runs", RESULTS, PICTURE)
"""Files and folders of a demo; the first tells that a folder holds one."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_output(
        parser,
        "folder for everything; the results of an earlier demo in it are replaced",
        default=Path("build/demo-ml"),
    )
    add_seed(parser, "weights and data")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a smaller model and few steps, as a check that takes seconds",
    )


def run(arguments: argparse.Namespace) -> int:
    need_ml()
    folder: Path = arguments.output
    with refusing():
        check_least(arguments, 0, "seed")
        _check_folder(folder)
    from transformers.utils import logging

    from gaincell.ml.demo.results import LABELS
    from gaincell.ml.demo.run import run_demo
    from gaincell.ml.demo.settings import QUICK, DemoSettings
    from gaincell.ml.demo.text import reference_text
    from gaincell.ml.models.saved.write import writing
    from gaincell.ml.process.memory import keep_freed_memory
    from gaincell.pictures.learning import draw_learning

    keep_freed_memory()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    with refusing():
        settings = replace(QUICK if arguments.quick else DemoSettings(), seed=arguments.seed)
        text = reference_text()
        _empty(folder)
    begun = time.perf_counter()
    with writing(f"the demo cannot be written to {folder}"):
        results = run_demo(text, settings, folder, lambda what: print(what, flush=True))
        results.write(folder / RESULTS)
    curves = {name: (each.steps, each.nats) for name, each in results.curves.items()}
    borders = settings.stock_steps, settings.stock_steps + settings.linear_steps
    draw_learning(curves, LABELS, borders, folder / PICTURE)
    print(grid(results.rows()))
    rows = [
        ("adaptation", results.adaptation),
        ("time", f"{time.perf_counter() - begun:.0f} s"),
        ("picture", str(folder / PICTURE)),
        ("results", str(folder / RESULTS)),
        ("run files", f"{folder / 'runs'}/*.toml, for gaincell finetune"),
    ]
    print(table(rows))
    return 0


def _check_folder(folder: Path) -> None:
    """Refuse a file, and a folder that holds anything but an earlier demo."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"output {folder} is a file, but must be a folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MADE[0]).is_file():
        raise ValueError(f"output {folder} holds something else than a demo: name a new folder")


def _empty(folder: Path) -> None:
    """Make the folder, or take an earlier demo out of it."""
    make_folder(folder)
    check_writable(folder / RESULTS)
    for name in reversed(MADE):
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
