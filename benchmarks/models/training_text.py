"""Windows of tokens that a model is trained on: of several kinds of text, some full of copies.

    python benchmarks/models/training_text.py --text prose.txt code.txt --tokens 10e6 -o learned.bin

writes a token file of such windows. Each text gives as large a part of its own windows as the
others, and a fifth of all windows repeat passages of them.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from gaincell.ml.finetune.data.sources import text_tokens, tokenizer_name, vocabulary_of
from gaincell.ml.finetune.data.token_file import write_tokens
from gaincell.ml.models.load import load_tokenizer

WINDOW = 1024
MOST = {"code": 240, "wikitext2_valid": 110, "tinyshakespeare": 110, "written": 25}
"""Windows taken of each text by ``make texts``, as far as it has so many."""
COPYING = ("code", "wikitext2_valid", "tinyshakespeare")
"""Texts whose passages are copied there."""
COPIES = 120
"""Windows there that hold a passage several times."""
COPIED = 0.2
"""Part of all windows that hold a passage several times, in a token file."""
PASSAGES = (60, 120, 200, 300, 450)
"""Tokens of such a passage."""
SLIPS = (0, 0, 2, 5)
"""Tokens of a copy that are drawn anew, as entries of a list differ."""


def training_windows(
    texts: Mapping[str, Tensor],
    most: Mapping[str, int] = MOST,
    copying: tuple[str, ...] = COPYING,
    copies: int = COPIES,
) -> Tensor:
    """Windows (W, T) in mixed order, of the tokens of texts by name.

    Parameters
    ----------
    most : windows of each text, as far as it has so many
    copying : texts whose passages are copied
    copies : windows that hold a passage several times
    """
    draw = random.Random(0)
    pool = torch.cat([texts[name] for name in copying if name in texts])
    rows = [_copies(pool, draw) for _ in range(copies)]
    for name, count in most.items():
        if name in texts:
            whole = len(texts[name]) // WINDOW * WINDOW
            own = list(texts[name][:whole].view(-1, WINDOW))
            draw.shuffle(own)
            rows += own[:count]
    draw.shuffle(rows)
    return torch.stack(rows)


def shares(texts: Mapping[str, Tensor], tokens: int) -> tuple[dict[str, int], int]:
    """Windows of each text, and windows full of copies, of ``tokens`` tokens in all.

    Texts that are too short for so many give all that they have, with fewer copies.
    """
    there = {name: len(text) // WINDOW for name, text in texts.items()}
    part = min(1.0, (1 - COPIED) * tokens / WINDOW / sum(there.values()))
    most = {name: round(part * count) for name, count in there.items()}
    return most, round(COPIED / (1 - COPIED) * sum(most.values()))


def _copies(pool: Tensor, draw: random.Random) -> Tensor:
    """One window: a passage again and again, nearly the same, and other text between."""
    begin = draw.randrange(len(pool) - 3000)
    passage = pool[begin : begin + draw.choice(PASSAGES)]
    parts: list[Tensor] = []
    while sum(map(len, parts)) < WINDOW:
        if draw.random() < 0.75:
            copy = passage.clone()
            for _ in range(draw.choice(SLIPS)):
                copy[draw.randrange(len(copy))] = pool[draw.randrange(len(pool))]
            parts.append(copy)
        else:
            begin = draw.randrange(len(pool) - 500)
            parts.append(pool[begin : begin + draw.randrange(20, 150)])
    return torch.cat(parts)[:WINDOW]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--text", type=Path, nargs="+", required=True)
    parser.add_argument("--model", default="smollm2", help="whose tokenizer; default smollm2")
    parser.add_argument("--tokens", type=float, required=True, help="in all, about")
    parser.add_argument("-o", "--output", type=Path, required=True, help="a token file, .bin")
    arguments = parser.parse_args()
    tokenizer = load_tokenizer(arguments.model)
    texts = {path.stem: torch.from_numpy(text_tokens(path, tokenizer)) for path in arguments.text}
    most, copies = shares(texts, int(arguments.tokens))
    windows = training_windows(texts, most, tuple(texts), copies)
    written = write_tokens(
        arguments.output,
        (row.numpy() for row in windows),
        vocabulary_of(tokenizer),
        tokenizer_name(tokenizer),
    )
    for name, count in most.items():
        print(f"{name}: {count} windows of {len(texts[name])} tokens")
    print(f"copies: {copies} windows; {written.tokens} tokens in all")


if __name__ == "__main__":
    main()
