"""Tokens of a text file, a token file or a data set of a hub."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaincell.inputs.text_file import read_text
from gaincell.ml.evaluate.limits import check_tokens
from gaincell.ml.finetune.data.token_file import Tokens, read_tokens
from gaincell.ml.finetune.settings import Source
from gaincell.ml.process.network import reaching
from gaincell.refusals import foreign


def tokens_of(source: Source, tokenizer: Any, vocabulary: int) -> Tokens:
    """Tokens (T,) that a source names, without those it skips.

    Parameters
    ----------
    vocabulary : size of the model's; a token file's must be the tokenizer's, and fit

    Raises
    ------
    ValueError
        It cannot be read, has too few tokens, or was made with another tokenizer.
    """
    tokens: Tokens
    wanted = None if source.tokens is None else source.skip + source.tokens
    if source.text is not None:
        name, tokens = f"text {source.text}", text_tokens(Path(source.text), tokenizer)
    elif source.token_file is not None:
        name, tokens = (
            f"token file {source.token_file}",
            _mapped(source.token_file, tokenizer, vocabulary),
        )
    else:
        assert source.hub is not None
        name, tokens = f"data set {source.hub}", _joined(hub_tokens(source, tokenizer), wanted)
    if len(tokens) < (source.skip + 1 if wanted is None else wanted):
        asked = "" if source.tokens is None else f" and tokens is {source.tokens}"
        raise ValueError(f"{name} has {len(tokens)} tokens, but skip is {source.skip}{asked}")
    if source.token_file is None:
        check_tokens(tokens, vocabulary, name)
    return tokens[source.skip : wanted]


def text_tokens(path: Path, tokenizer: Any) -> NDArray[np.int64]:
    """Tokens (T,) of a whole text file.

    Raises
    ------
    ValueError
        As ``read_text``.
    """
    text = read_text(path)
    with foreign(f"text {path} cannot be cut in tokens"):
        return np.array(tokenizer(text, verbose=False).input_ids, dtype=np.int64)


def hub_tokens(source: Source, tokenizer: Any) -> Iterator[NDArray[np.int64]]:
    """Tokens of each text of a hub's data set; each ends with the tokenizer's end, if it has one.

    Raises
    ------
    ValueError
        The data set cannot be loaded, or has no such column of texts.
    Unable
        The hub cannot be reached.
    """
    import datasets

    name = f"data set {source.hub}"
    if Path(str(source.hub)).is_file():
        raise ValueError(f"{name} cannot be loaded: it is a file, so give it as a text")
    with foreign(f"{name} cannot be loaded"), reaching(f"{name} cannot be loaded"):
        rows = datasets.load_dataset(source.hub, source.subset, split=source.split)
    if source.column not in rows.column_names:
        known = ", ".join(rows.column_names)
        raise ValueError(f"{name} has no column {source.column}, but {known}")
    end = [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]
    for row in rows:
        if not isinstance(row[source.column], str):
            raise ValueError(f"column {source.column} of {name} holds no texts")
        with foreign(f"{name} cannot be cut in tokens"):
            ids = tokenizer(row[source.column], verbose=False).input_ids
        yield np.array(ids + end, dtype=np.int64)


def tokenizer_name(tokenizer: Any) -> str:
    """The name under which a token file remembers a tokenizer: a folder's or file's last part."""
    return Path(tokenizer.name_or_path).name or type(tokenizer).__name__


def vocabulary_of(tokenizer: Any) -> int:
    """One more than a tokenizer's largest token."""
    largest: int = max(tokenizer.get_vocab().values())
    return 1 + largest


def _mapped(path: str, tokenizer: Any, vocabulary: int) -> Tokens:
    tokens, about = read_tokens(Path(path))
    if about.vocabulary != vocabulary_of(tokenizer):
        raise ValueError(
            f"token file {path} is of tokenizer {about.tokenizer} with {about.vocabulary} tokens, "
            f"but the model's has {vocabulary_of(tokenizer)}: write it with gaincell tokens"
        )
    if about.vocabulary > vocabulary:
        raise ValueError(
            f"token file {path} has tokens up to {about.vocabulary - 1}, but the model's "
            f"vocabulary is {vocabulary}"
        )
    return tokens


def _joined(pieces: Iterator[NDArray[np.int64]], wanted: int | None) -> NDArray[np.int64]:
    """The pieces, one after the other, until ``wanted`` tokens are there."""
    kept: list[NDArray[np.int64]] = []
    count = 0
    for piece in pieces:
        kept.append(piece)
        count += len(piece)
        if wanted is not None and count >= wanted:
            break
    return np.concatenate(kept) if kept else np.zeros(0, dtype=np.int64)
