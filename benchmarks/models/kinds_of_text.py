"""Texts of several kinds: some for a start to be fitted on, others on which nothing is fitted.

Given texts are cut in halves. Program code, reference pages and header files come from the machine.
The stock model writes a text itself, from the beginnings below.
"""

import os
import pydoc_data.topics
import random
from pathlib import Path
from typing import Any

import torch

from gaincell.files import replacing

LICENCES = Path("/usr/share/common-licenses/GPL-3")
HEADERS = Path("/usr/include")
FILES = {"code": 60, "headers": 40}
TOKENS = 1024
"""Tokens that the stock model writes after each beginning."""
BEGINNINGS = (
    "def ",
    "import os\n\n",
    "#include <stdio.h>\n",
    "<html>\n<body>\n",
    "SELECT ",
    '{\n  "name": "',
    "#!/bin/sh\n",
    "| Name | Value |\n| --- | --- |\n| ",
    "1. ",
    "- ",
    "Q: What is",
    "A: Good evening.\nB: ",
    "SCENE I.",
    "Section 1. Definitions.\n\n",
    "Usage: ",
    "NAME\n       ",
    "Abstract\n",
    "Chapter 1\n\n",
    "Once upon a time",
    "The",
    "In 19",
    "Dear Sir,\n\n",
    "Ingredients:\n",
    "Theorem 1. Let",
)


def collect(folder: Path, given: list[Path], model: Any = None, tokenizer: Any = None) -> None:
    """Write the texts into ``folder``/fit and ``folder``/score, where they are not there yet.

    Without a model there is none that it wrote.
    """
    for path in given:
        text = path.read_text(encoding="utf-8")
        _keep(folder / "fit" / path.name, lambda text=text: text[: len(text) // 2])
        _keep(folder / "score" / path.name, lambda text=text: text[len(text) // 2 :])
    _keep(folder / "fit" / "code.txt", _code)
    if model is not None:
        _keep(folder / "fit" / "written.txt", lambda: _written(model, tokenizer))
    _keep(folder / "score" / "reference.txt", _reference)
    if HEADERS.is_dir():
        _keep(folder / "score" / "headers.txt", _headers)
    if LICENCES.is_file():
        _keep(folder / "score" / "licence.txt", lambda: LICENCES.read_text(encoding="utf-8"))


def _keep(path: Path, text: Any) -> None:
    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as unfinished:
        unfinished.write_text(text(), encoding="utf-8")


def _some(paths: list[Path], kind: str, between: str) -> str:
    random.Random(0).shuffle(paths)
    return between.join(path.read_text(errors="ignore") for path in paths[: FILES[kind]])


def _code() -> str:
    """Modules of Python's standard library."""
    return _some(sorted(Path(os.__file__).parent.glob("*.py")), "code", "\n\n")


def _headers() -> str:
    return _some(sorted(HEADERS.glob("*.h")), "headers", "\n")


def _reference() -> str:
    """Python's language reference, each paragraph once."""
    pages = "\n\n".join(pydoc_data.topics.topics.values())
    return "\n\n".join(dict.fromkeys(pages.split("\n\n")))


@torch.no_grad()
def _written(model: Any, tokenizer: Any) -> str:
    """What the model writes: tokens drawn from its own distribution."""
    torch.manual_seed(0)
    tokenizer.padding_side, tokenizer.pad_token = "left", tokenizer.eos_token
    begun = tokenizer(list(BEGINNINGS), return_tensors="pt", padding=True)
    options = {"do_sample": True, "top_k": 0, "eos_token_id": None}
    options["pad_token_id"] = tokenizer.pad_token_id
    written = model.generate(**begun, max_new_tokens=TOKENS, **options)
    return "\n\n".join(tokenizer.batch_decode(written, skip_special_tokens=True))
