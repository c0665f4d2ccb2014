"""``gaincell finetune``: train a model on the arrays, as a run file says."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from gaincell.commands.options.layers import layers_of
from gaincell.commands.options.texts import check_model, need_ml
from gaincell.config_file import load_config
from gaincell.inputs.text_file import check_text
from gaincell.ml.finetune.data.token_file import read_tokens
from gaincell.refusals import Failed, Refused, Unable, refusing
from gaincell.system.console import Ended
from gaincell.text import table

if TYPE_CHECKING:
    from gaincell.ml.finetune.run_file import RunFile
    from gaincell.ml.finetune.state.record import Record

INTERRUPTED = 130
SECONDS_FOR_THE_FIRST = 20.0
"""Another process waits so long before it ends, as its end ends the first one too."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "run_file",
        type=Path,
        help="a TOML file that says what to train on what, and the folder for it; if that folder "
        "holds a part of the run already, the run goes on",
    )


def run(arguments: argparse.Namespace) -> int:
    need_ml()
    first = int(os.environ.get("RANK", "0")) == 0
    try:
        with _signals(first) as signals:
            return _run(arguments.run_file, first, signals)
    except (Refused, Failed, Unable) as ending:
        # All processes end alike, and the first says why; the launcher ends the others then.
        if first:
            raise
        with suppress(Ended):
            time.sleep(SECONDS_FOR_THE_FIRST)
        return ending.status


@dataclass
class _Signals:
    """Whether a signal came, and whether the run then ends its step before it stops.

    came : a signal came
    gentle : the training has begun: the first signal ends the step, not the process
    """

    came: bool = False
    gentle: bool = False


def _run(run_file: Path, first: bool, signals: _Signals) -> int:
    # None of these imports torch: a wrong run file is refused at once.
    from gaincell.ml.finetune.folder import (
        check_folder,
        check_identity,
        is_finished,
        make_folder,
    )
    from gaincell.ml.finetune.run_file import load_run_file

    with refusing():
        settings = load_run_file(run_file)
        if settings.run.tensorboard and find_spec("tensorboard") is None:
            raise Refused("[run] tensorboard = true needs it: pip install 'gaincell[ml]'")
        checkpoint = check_folder(settings)
        folder = Path(settings.run.folder)
        if is_finished(settings):
            if first:
                print(f"the run in {folder} is finished: its model is {folder / 'model'}")
            return 0
        _check_files(settings)
    from transformers.utils import logging

    from gaincell.ml.finetune.preparation import prepare
    from gaincell.ml.finetune.run import Interrupted, train
    from gaincell.ml.process.memory import keep_freed_memory

    keep_freed_memory()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    with refusing():
        start = prepare(settings, fit=checkpoint is None, layers_of=layers_of)
        check_identity(settings, start)
    if first:
        make_folder(settings, start, run_file)
        if checkpoint is not None:
            print(f"going on after step {checkpoint.step} of [{checkpoint.stage}]", flush=True)
    signals.gentle = True
    try:
        record = train(
            settings, start, checkpoint, first_process=first, interrupted=lambda: signals.came
        )
    except Interrupted as stop:
        if first:
            print(f"gaincell: {stop}", file=sys.stderr)
        return INTERRUPTED
    if first:
        print(_report(record, folder))
    return 0


def _check_files(settings: "RunFile") -> None:
    """Check the files and lists that the run file names, as far as that goes without torch."""
    names = [settings.model.name]
    if settings.teacher is not None and settings.teacher.name is not None:
        names.append(settings.teacher.name)
    for name in names:
        check_model(name)
    if settings.model.config is not None:
        load_config(settings.model.config)
    layers_of(settings.model.layers)
    for source in (settings.data, settings.held_out):
        if source is not None and source.text is not None:
            check_text(Path(source.text))
        if source is not None and source.token_file is not None:
            read_tokens(Path(source.token_file))


def _report(record: "Record", folder: Path) -> str:
    rows = [(f"loss of [{name}]", f"{nats[-1]:.4f}") for name, nats in record.losses.items()]
    if record.adaptation is not None:
        rows.append(("adaptation", record.adaptation["summary"]))
    if record.scores and record.scores[-1]["perplexity"] is not None:
        rows.append(("held-out perplexity", f"{record.scores[-1]['perplexity']:.4g}"))
    return table([*rows, ("metrics", f"{folder}/metrics.json"), ("model", f"{folder}/model")])


@contextmanager
def _signals(first: bool) -> Iterator[_Signals]:
    """Note SIGINT and SIGTERM: the first lets a training end its step, the second ends at once."""
    signals = _Signals()

    def note(_: int, __: FrameType | None) -> None:
        if signals.came or not signals.gentle:
            raise KeyboardInterrupt
        signals.came = True
        if first:
            print("gaincell: stopping after this step", file=sys.stderr)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
