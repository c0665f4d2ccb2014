"""``gaincell finetune``: train a model on the arrays, as a run file says."""

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

from gaincell.commands.convert import layers_of
from gaincell.commands.texts import need_ml
from gaincell.refusals import Failed, Refused, refusing
from gaincell.reports import table

INTERRUPTED = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_file", type=Path, help="a TOML file, see docs/finetuning.md")


def run(arguments: argparse.Namespace) -> int:
    need_ml()
    first = int(os.environ.get("RANK", "0")) == 0
    try:
        return _run(arguments.run_file, first)
    except (Refused, Failed) as ending:
        # All processes end alike; one of them says why.
        if first:
            raise
        return 2 if isinstance(ending, Refused) else 1


def _run(run_file: Path, first: bool) -> int:
    from transformers.utils import logging

    from gaincell.ml.finetune.run import (
        Interrupted,
        check_folder,
        check_identity,
        is_finished,
        make_folder,
        train,
    )
    from gaincell.ml.finetune.settings import load_run_file
    from gaincell.ml.finetune.start import prepare

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    with refusing():
        settings = load_run_file(run_file)
        if settings.run.tensorboard and find_spec("tensorboard") is None:
            raise Refused("[run] tensorboard = true needs tensorboard: pip install 'gaincell[ml]'")
        checkpoint = check_folder(settings)
        folder = Path(settings.run.folder)
        if is_finished(settings):
            if first:
                print(f"the run in {folder} is finished: its model is {folder / 'model'}")
            return 0
        start = prepare(settings, fit=checkpoint is None, layers_of=layers_of)
        check_identity(settings, start)
    if first:
        make_folder(settings, start, run_file)
        if checkpoint is not None:
            print(f"going on after step {checkpoint.step} of [{checkpoint.stage}]", flush=True)
    with _catching_signals(first) as asked:
        try:
            record = train(
                settings,
                start,
                checkpoint,
                first_process=first,
                interrupted=lambda: bool(asked),
            )
        except Interrupted as stop:
            if first:
                print(f"gaincell: {stop}", file=sys.stderr)
            return INTERRUPTED
    if first:
        rows = [(f"loss of [{name}]", f"{each[-1]:.4f}") for name, each in record.losses.items()]
        if record.adaptation is not None:
            rows.append(("adaptation", record.adaptation["summary"]))
        if record.scores and record.scores[-1]["perplexity"] is not None:
            rows.append(("held-out perplexity", f"{record.scores[-1]['perplexity']:.4g}"))
        print(table([*rows, ("metrics", f"{folder}/metrics.json"), ("model", f"{folder}/model")]))
    return 0


@contextmanager
def _catching_signals(first: bool) -> Iterator[list[int]]:
    """Signals to end that came; the first lets a step finish, the second ends at once."""
    asked: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        if first:
            print("gaincell: stopping after this step", file=sys.stderr)

    before = {each: signal.signal(each, note) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
