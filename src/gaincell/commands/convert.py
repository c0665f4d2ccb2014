"""``gaincell convert``: a language model onto gain-cell arrays, saved as a hardware model."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gaincell.commands.options.layers import kinds_of, layers_of
from gaincell.commands.options.start import (
    add_start_arguments,
    remove_start,
    run_start,
    start_options,
)
from gaincell.commands.options.texts import add_text_arguments, load_text, need_ml
from gaincell.config import HeadConfig
from gaincell.config_file import load_config
from gaincell.refusals import refusing
from gaincell.text import table

if TYPE_CHECKING:
    from torch import Tensor


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_text_arguments(parser)
    parser.set_defaults(windows=4)
    parser.add_argument("--config", required=True, help="a preset's name or a TOML file")
    parser.add_argument(
        "--kind", choices=("hardware", "linear", "softmax", "stock"), default="hardware"
    )
    parser.add_argument(
        "--layers", help="such as 0,3,10-15; default: all. Others stay what they are"
    )
    parser.add_argument(
        "--init",
        choices=("ranges", "matching", "closed-form"),
        default="ranges",
        help="ranges of the model's values, the moments of a model with linear layers (the paper's "
        "adaptation), or maps and projections fitted layer by layer; default ranges",
    )
    add_start_arguments(parser)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the model")


def run(arguments: argparse.Namespace) -> int:
    need_ml()
    from gaincell.ml.models.convert import convert
    from gaincell.ml.models.load import load_model
    from gaincell.ml.start.ranges import fit_ranges

    with refusing():
        config = load_config(arguments.config)
        layers = layers_of(arguments.layers)
        check_new_folder(arguments.output)
        options = start_options(arguments)
        model, tokenizer = load_model(arguments.model)
        if arguments.init == "ranges":
            convert(model, config, arguments.kind, layers)
        windows = load_text(arguments, tokenizer)
        if arguments.init == "matching":
            scalers = _adapt(model, config, arguments.kind, layers, windows)
        elif options is not None:
            scalers = run_start(model, config, layers, windows, options, arguments)
    if arguments.init == "ranges":
        fit_ranges(model, windows)
        scalers = f"fitted on {len(windows)} windows of {windows.shape[1]} tokens"
    save(model, tokenizer, arguments.output)
    remove_start(arguments)
    rows = [
        ("model", str(arguments.model)),
        ("attention", kinds_of(model)),
        ("scalers", scalers),
        ("saved in", str(arguments.output)),
    ]
    print(table(rows))
    return 0


def _adapt(
    model: Any, config: HeadConfig, kind: str, layers: list[int] | None, windows: "Tensor"
) -> str:
    """Layers of kind "linear" become hardware with the moments they had; says how it went."""
    from tqdm import tqdm

    from gaincell.ml.models.convert import convert
    from gaincell.ml.models.hardware_model import HardwareModel
    from gaincell.ml.models.settings import Settings
    from gaincell.ml.start.matching import ITERATIONS, match_moments
    from gaincell.ml.start.moments import moments_of

    if kind != "hardware":
        raise ValueError(f"--init matching makes layers of kind hardware, but --kind is {kind}")
    kinds = Settings.of(model.config).kinds if isinstance(model, HardwareModel) else ()
    linear = [layer for layer, each in enumerate(kinds) if each == "linear"]
    wrong = [layer for layer in layers or linear if layer not in linear]
    if wrong or not linear:
        what = f"layer {wrong[0]} is not" if wrong else "no layer is"
        raise ValueError(
            f"{what} of kind linear, and --init matching adapts a model trained with those: "
            "convert it with --kind linear and train it first"
        )
    targets = moments_of(model, windows)
    convert(model, config, kind, layers or linear)
    with tqdm(total=ITERATIONS, desc="matching", unit="update", disable=None) as bar:

        def show(updates: int, distance: float) -> None:
            bar.update(updates - bar.n)
            bar.set_postfix(distance=f"{distance:.2g}")

        return str(match_moments(model, targets, windows, progress=show))


def check_new_folder(path: Path) -> None:
    """Refuse a folder that holds anything, or cannot be made."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ValueError(f"output {path} exists already: name a new folder")
    if not path.parent.is_dir():
        raise ValueError(f"output {path} cannot be written: there is no folder {path.parent}")


def save(model: object, tokenizer: object, path: Path) -> None:
    """Model and tokenizer into a new folder: whole or not at all."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix=".unfinished-", dir=path.parent) as folder:
        whole = Path(folder) / "model"
        model.save_pretrained(whole)  # type: ignore[attr-defined]
        tokenizer.save_pretrained(whole)  # type: ignore[attr-defined]
        if path.exists():
            path.rmdir()
        whole.rename(path)
