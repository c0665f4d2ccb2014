"""What a model can read: how many tokens at once, and which."""

from __future__ import annotations

from typing import Any


def positions_of(model: Any) -> int | None:
    """Tokens that a model, stock or converted, reads at once; None: its config names no limit."""
    positions: int | None = getattr(model.config, "max_position_embeddings", None)
    return positions


def check_length(model: Any, tokens: int, what: str) -> None:
    """Raise ValueError if a model cannot read ``tokens`` at once; ``what`` asks for so many."""
    most = positions_of(model)
    if most is not None and tokens > most:
        raise ValueError(f"{what}, but the model has positions for {most} tokens only")


def embedding_of(model: Any) -> int:
    """How many tokens a model's embedding has: all that it reads are below."""
    size: int = model.get_input_embeddings().weight.shape[0]
    return size


def check_tokens(ids: Any, size: int, name: str) -> None:
    """Raise ValueError if a token of the text ``name``, (T,), is beyond an embedding's size."""
    largest = int(ids.max()) if len(ids) else 0
    if largest >= size:
        raise ValueError(
            f"{name} has token {largest}, but the model's vocabulary is {size}: use the model's "
            "own tokenizer"
        )
