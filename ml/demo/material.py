"""What all runs of the demo share: texts, tokenizer, head, and windows of tokens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from gaincell.config_file import config_to_toml
from gaincell.files import replacing
from gaincell.ml.demo.settings import DemoSettings
from gaincell.ml.demo.text import split, train_tokenizer
from gaincell.ml.finetune.data.sources import text_tokens
from gaincell.ml.finetune.data.token_file import Tokens
from gaincell.ml.finetune.data.windows import first_windows

TRAIN, HELD_OUT, HEAD = "train.txt", "held_out.txt", "head.toml"


@dataclass(frozen=True)
class Material:
    """Files in the demo's folder, and the tokens in them.

    texts : to learn from, and to score
    head : the head's config
    train : tokens to learn from; counts : how many tokens each text has
    held_out, calibration : windows (W, T) to score, and of the training text, to set scalers on
    """

    texts: tuple[Path, Path]
    head: Path
    tokenizer: Any
    train: Tokens
    counts: dict[str, int]
    held_out: Tensor
    calibration: Tensor


def write_material(text: str, settings: DemoSettings, folder: Path) -> Material:
    """Texts and head as files in ``folder``, and all that follows from them.

    Raises
    ------
    ValueError
        The text is too short for the settings.
    """
    texts, head = (folder / TRAIN, folder / HELD_OUT), folder / HEAD
    parts = split(text)
    written = (*zip(texts, parts, strict=True), (head, config_to_toml(settings.head)))
    for path, content in written:
        with replacing(path) as unfinished:
            unfinished.write_text(content, encoding="utf-8")
    tokenizer = train_tokenizer(parts[0], settings.vocabulary)
    train, scored = (text_tokens(path, tokenizer) for path in texts)
    return Material(
        texts,
        head,
        tokenizer,
        train,
        {"train": len(train), "held_out": len(scored)},
        first_windows(scored, settings.window, settings.held_out, "the demo"),
        first_windows(train, settings.window, settings.calibration, "the demo"),
    )
