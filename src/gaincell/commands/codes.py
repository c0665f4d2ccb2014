"""``gaincell codes``: what single heads of a converted model compute, for ``gaincell cosim``."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gaincell.commands.options.common import add_output, check_least
from gaincell.commands.options.heads import heads_of
from gaincell.commands.options.texts import check_model, need_ml
from gaincell.config_file import config_to_toml
from gaincell.files import check_folder, make_folder, replacing
from gaincell.inputs.text_file import check_text
from gaincell.ml.evaluate.text_tokens import tokens_of
from gaincell.refusals import refusing
from gaincell.text import table

if TYPE_CHECKING:
    from torch import Tensor

    from gaincell.ml.models.codes import HeadCodes

TOKENS = 1280


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True, help="folder of a converted model")
    parser.add_argument("--text", type=Path, required=True, help="a text file, UTF-8")
    parser.add_argument(
        "--tokens",
        type=int,
        help=f"tokens to read; default {TOKENS}, or all that text and model have",
    )
    parser.add_argument(
        "--heads", required=True, help="layer:head of each head to record, such as 10:0,12:4"
    )
    add_output(parser, "folder for LAYER-HEAD.npz and head.toml", required=True)


def run(arguments: argparse.Namespace) -> int:
    need_ml()
    with refusing():
        heads = heads_of("--heads", arguments.heads)
        check_folder(arguments.output)
        check_least(arguments, 1, "tokens")
        check_model(arguments.model)
        check_text(arguments.text)
    from gaincell.ml.models.codes import record_codes
    from gaincell.ml.models.hardware_model import HardwareModel
    from gaincell.ml.models.load import load_model
    from gaincell.ml.models.settings import Settings

    with refusing():
        model, tokenizer = load_model(arguments.model)
        if not isinstance(model, HardwareModel):
            raise ValueError(
                f"{arguments.model} is not on hardware: convert it first with gaincell convert"
            )
        ids = _first_tokens(arguments, tokenizer, model)
        recorded = record_codes(model, ids, heads)
        _check_recorded(recorded, len(ids))
        make_folder(arguments.output)
    config = arguments.output / "head.toml"
    with replacing(config) as unfinished:
        unfinished.write_text(config_to_toml(Settings.of(model.config).head), encoding="utf-8")
    rows = [("tokens", str(len(ids))), ("head", str(config))]
    for (layer, head), codes in recorded.items():
        path = arguments.output / f"{layer}-{head}.npz"
        with replacing(path) as unfinished, unfinished.open("wb") as stream:
            np.savez_compressed(stream, q=codes.q, k=codes.k, v=codes.v, y=codes.y)
        rows.append(
            (f"layer {layer}, head {head}", f"{path}, y {codes.y.min():g}..{codes.y.max():g}")
        )
    print(table(rows))
    return 0


def _check_recorded(recorded: "Mapping[tuple[int, int], HeadCodes]", tokens: int) -> None:
    """Raise ValueError if no token came to the arrays of one of the heads."""
    for (layer, head), codes in recorded.items():
        if not len(codes.q):
            raise ValueError(
                f"none of the {tokens} tokens reaches the arrays of head {layer}:{head}, as the "
                "newest and the first one stay beside them: give more text, or a larger --tokens"
            )


def _first_tokens(arguments: argparse.Namespace, tokenizer: Any, model: Any) -> "Tensor":
    """The first tokens (T,) of the text, as many as --tokens says."""
    from gaincell.ml.evaluate.limits import check_length, positions_of

    asked = arguments.tokens
    if asked is not None:
        check_length(model, asked, f"--tokens is {asked}")
    ids = tokens_of(arguments.text, tokenizer, model)
    if len(ids) < (asked or 1):
        raise ValueError(f"text {arguments.text} has {len(ids)} tokens, but must have {asked or 1}")
    return ids[: asked or min(TOKENS, positions_of(model) or TOKENS)]
