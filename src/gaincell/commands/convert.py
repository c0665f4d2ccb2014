"""``gaincell convert``: a language model onto gain-cell arrays, saved as a hardware model."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gaincell.commands.options.automatic import (
    cheapest_layers,
    check_least_layers,
    least_of,
)
from gaincell.commands.options.common import add_config, add_output
from gaincell.commands.options.layers import automatic, digital_heads_of, kinds_of, layers_of
from gaincell.commands.options.start import (
    LAYER_KINDS,
    Conversion,
    Start,
    add_start_arguments,
    choose_windows,
    chosen_start,
    kept_layers,
    remove_kept_layers,
)
from gaincell.commands.options.texts import (
    add_model_argument,
    add_window_arguments,
    check_model,
    check_windows,
    cut_evenly,
    need_ml,
    settle_window,
)
from gaincell.config_file import load_config
from gaincell.files import check_new_folder
from gaincell.inputs.text_file import check_text
from gaincell.ml.evaluate.text_tokens import tokens_of
from gaincell.refusals import refusing
from gaincell.text import table

if TYPE_CHECKING:
    from torch import Tensor


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model_argument(parser)
    parser.add_argument(
        "--text",
        type=Path,
        nargs="+",
        help="text files, UTF-8, that the start is fitted on; a window of each in turn",
    )
    add_window_arguments(parser, default="as many as the start needs and the machine can fit")
    head = parser.add_mutually_exclusive_group(required=True)
    add_config(head, required=False)
    head.add_argument(
        "--difference",
        type=Path,
        help="instead of --config and texts: file of what training changed, such as "
        "docs/evidence/gpu/smollm2.safetensors, with the head, the layers and their start",
    )
    parser.add_argument(
        "--kind",
        choices=LAYER_KINDS,
        default="hardware",
        help="what the layers compute; default hardware",
    )
    parser.add_argument(
        "--layers",
        help="layers to convert, such as 0,3,10-15, or auto:6 for the six that cost least by "
        "themselves; other layers stay as they are; default: all",
    )
    add_start_arguments(parser)
    add_output(parser, "folder for the model", required=True)


def run(arguments: argparse.Namespace) -> int:
    need_ml()
    with refusing():
        if arguments.difference is not None:
            check_new_folder(arguments.output, may_be_empty=True)
            return _rebuilt(arguments)
        config = load_config(arguments.config)
        layers = None if automatic("--layers", arguments.layers) else layers_of(arguments.layers)
        check_new_folder(arguments.output, may_be_empty=True)
        if arguments.text is None:
            raise ValueError(
                "every start is fitted on texts: give them with --text, such as 100 000 words of "
                "several kinds for closed-form, or 4 windows of any text for ranges"
            )
        check_model(arguments.model)
        for path in arguments.text:
            check_text(path)
        check_windows(arguments)

        from gaincell.ml.models.convert import check_conversion
        from gaincell.ml.models.load import load_model
        from gaincell.ml.models.saved.write import save_model, writing

        start, settings = chosen_start(arguments)
        least = least_of(arguments)
        model, tokenizer = load_model(arguments.model)
        check_conversion(model, config, arguments.kind, layers)
        if least is not None:
            check_least_layers(model, least)
            layers = list(range(least))  # as many as there will be
        windows = _windows(arguments, tokenizer, start, settings, model, layers)
        folder = kept_layers(arguments)
        with writing(f"layers cannot be kept in {folder}"):
            if least is not None:
                layers = cheapest_layers(model, config, windows, least, settings, folder)
            scalers = start.run(
                Conversion(model, config, arguments.kind, layers, windows, settings, folder)
            )
    if arguments.output.exists():
        arguments.output.rmdir()
    save_model(model, tokenizer, arguments.output)
    remove_kept_layers(arguments)
    rows = [
        ("model", str(arguments.model)),
        ("attention", kinds_of(model)),
        *digital_heads_of(model),
        ("scalers", scalers),
        ("saved in", str(arguments.output)),
    ]
    print(table(rows))
    return 0


def _rebuilt(arguments: argparse.Namespace) -> int:
    """A model that was trained already, from the stock model and what training changed."""
    for name in ("text", "layers", "windows"):
        if getattr(arguments, name) is not None:
            raise ValueError(f"--difference holds the layers and their start: leave out --{name}")
    check_model(arguments.model)

    from gaincell.ml.models.load import load_model
    from gaincell.ml.models.saved.difference import rebuild
    from gaincell.ml.models.saved.write import writing

    if arguments.output.exists():
        arguments.output.rmdir()
    with writing(f"the model cannot be written to {arguments.output}"):
        rebuild(arguments.model, arguments.difference, arguments.output)
    model = load_model(arguments.output)[0]
    rows = [
        ("model", str(arguments.model)),
        ("attention", kinds_of(model)),
        *digital_heads_of(model),
        ("saved in", str(arguments.output)),
    ]
    print(table(rows))
    return 0


def _windows(
    arguments: argparse.Namespace,
    tokenizer: Any,
    start: Start,
    settings: Any,
    model: Any,
    layers: list[int] | None,
) -> "Tensor":
    """Windows of tokens (W, T) that the start is fitted on."""
    settle_window(arguments, model)
    texts = {path: tokens_of(path, tokenizer, model) for path in arguments.text}
    if arguments.windows is None:
        most = sum((len(ids) - arguments.skip) // arguments.window for ids in texts.values())
        arguments.windows = choose_windows(start, settings, model, layers, most, arguments.window)
    return cut_evenly(texts, arguments)
