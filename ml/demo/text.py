"""The demo's text, Python's own language reference, and a tokenizer trained on it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedTokenizerFast

HELD_OUT = 0.1
"""Part of the text, its end, that no model learns from."""


def reference_text() -> str:
    """The help topics of ``pydoc``, each paragraph once: topics quote each other.

    Raises
    ------
    ValueError
        This Python comes without them.
    """
    try:
        topics: dict[str, str] = import_module("pydoc_data.topics").topics
    except ImportError as error:
        raise ValueError(
            "the demo's text is pydoc_data.topics of Python's standard library, but this Python "
            "comes without it: use one from python.org, or install your system's full python3"
        ) from error
    parts = (part.strip("\n") for name in sorted(topics) for part in topics[name].split("\n\n"))
    return "\n\n".join(dict.fromkeys(part for part in parts if part.strip())) + "\n"


def split(text: str) -> tuple[str, str]:
    """Text to learn from, and its end, to score; cut between paragraphs."""
    cut = text.index("\n\n", int(len(text) * (1 - HELD_OUT))) + 2
    return text[:cut], text[cut:]


def train_tokenizer(text: str, vocabulary: int) -> Any:
    """Byte-pair encoding of bytes, which can write any text; ``vocabulary`` is 256 or more."""
    plain = Tokenizer(BPE())
    plain.pre_tokenizer = ByteLevel(add_prefix_space=False)
    plain.decoder = ByteLevelDecoder()
    trainer = BpeTrainer(
        vocab_size=vocabulary, initial_alphabet=ByteLevel.alphabet(), show_progress=False
    )
    plain.train_from_iterator(text.splitlines(keepends=True), trainer)
    return PreTrainedTokenizerFast(tokenizer_object=plain)
