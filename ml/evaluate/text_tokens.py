"""Tokens of a text, checked against the model that will read them; imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gaincell.inputs.text_file import read_text
from gaincell.ml.evaluate.limits import check_tokens, embedding_of
from gaincell.refusals import foreign

if TYPE_CHECKING:
    from torch import Tensor


def tokens_of(path: Path, tokenizer: Any, model: Any) -> Tensor:
    """Tokens (T,) of a text file, int64.

    Raises
    ------
    ValueError
        As ``read_text``; or a token is beyond the model's embedding.
    """
    return tokenized(read_text(path), f"text {path}", tokenizer, model)


def tokenized(text: str, name: str, tokenizer: Any, model: Any) -> Tensor:
    """Tokens (T,) of the text ``name``, int64; raises as ``tokens_of``."""
    with foreign(f"{name} cannot be cut in tokens"):
        ids: Tensor = tokenizer(text, return_tensors="pt", verbose=False).input_ids[0].long()
    check_tokens(ids, embedding_of(model), name)
    return ids
