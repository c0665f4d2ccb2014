"""``gaincell perplexity``: how well a language model predicts a text."""

import argparse

from gaincell.commands.options.layers import kinds_of
from gaincell.commands.options.texts import (
    add_text_arguments,
    check_model,
    check_windows,
    need_ml,
    windows_from,
)
from gaincell.inputs.text_file import check_text
from gaincell.refusals import refusing
from gaincell.text import table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_text_arguments(parser)
    parser.add_argument(
        "--kind",
        choices=("hardware", "linear", "softmax", "stock"),
        help="what the layers on hardware compute instead: softmax over their window, or over "
        "all tokens (stock); default: what the model was converted to",
    )


def run(arguments: argparse.Namespace) -> int:
    need_ml()
    with refusing():
        check_model(arguments.model)
        check_text(arguments.text)
        check_windows(arguments)
    from tqdm import tqdm

    from gaincell.ml.evaluate.perplexity import perplexity
    from gaincell.ml.models.convert import convert
    from gaincell.ml.models.hardware_model import HardwareModel
    from gaincell.ml.models.load import load_model
    from gaincell.ml.models.settings import Settings

    with refusing():
        model, tokenizer = load_model(arguments.model)
        if arguments.kind is not None:
            if not isinstance(model, HardwareModel):
                raise ValueError(
                    f"--kind is {arguments.kind}, but {arguments.model} is not on hardware: "
                    "convert it first with gaincell convert"
                )
            settings = Settings.of(model.config)
            on_arrays = [layer for layer, kind in enumerate(settings.kinds) if kind != "stock"]
            convert(model, settings.head, arguments.kind, on_arrays)
        windows = windows_from(arguments.text, arguments, tokenizer, model)
    score = perplexity(model, tqdm(windows, unit="window", disable=None))
    rows = [
        ("model", str(arguments.model)),
        ("attention", kinds_of(model)),
        ("text", f"{arguments.text}, {len(windows)} windows of {windows.shape[1]} tokens"),
        ("perplexity", f"{score.perplexity:.4g}"),
    ]
    print(table(rows))
    return 0
