"""Makes what ``study.toml`` and ``cells.toml`` need beside them: texts, and codes of one head.

Codes are a language model's, those of a start at each score saturation, since a start fits the
codes to it. They have 8 bits, which the sweep rounds to each head's widths.
``make study TEXT="a.txt b.txt"`` runs this, and the sweeps then.
"""

import argparse
import shutil
from pathlib import Path

import numpy as np
from kinds_of_text import collect

from gaincell.config import HeadConfig
from gaincell.files import replacing
from gaincell.ml.evaluate.perplexity import in_turn, windows_of
from gaincell.ml.evaluate.text_tokens import tokens_of
from gaincell.ml.models.codes import record_codes
from gaincell.ml.models.load import load_model
from gaincell.ml.start import StartOptions, closed_form

MODEL = "smollm2"
SWEEPS = [Path(__file__).parent / f"{name}.toml" for name in ("study", "cells")]
SATURATIONS = (80, 40)
LAYER, HEAD = 6, 0
BITS = 8
TOKENS, FIT_WINDOWS = 512, 9
READ = "reference.txt"
"""Of the texts on which nothing is fitted."""


def record(folder: Path, saturation: int) -> None:
    """Write ``saturation``.npz, unless it is there."""
    path = folder / f"{saturation}.npz"
    if path.is_file():
        return
    model, tokenizer = load_model(MODEL)
    config = HeadConfig(
        query_bits=BITS,
        key_bits=BITS,
        value_bits=BITS,
        score_saturation=saturation,
        refresh=False,
    )
    options = StartOptions(align_tokens=0, digital_heads=0)
    texts = sorted((folder / "fit").iterdir())
    cut = [windows_of(tokens_of(text, tokenizer, model), TOKENS) for text in texts]
    closed_form(model, config, in_turn(cut, FIT_WINDOWS), layers=[LAYER], options=options)
    # The newest tokens stay beside the arrays.
    newest = options.settled(config).newest
    ids = tokens_of(folder / "score" / READ, tokenizer, model)[: TOKENS + newest]
    codes = record_codes(model, ids, [(LAYER, HEAD)])[LAYER, HEAD]
    with replacing(path) as unfinished, unfinished.open("wb") as stream:
        np.savez_compressed(stream, q=codes.q, k=codes.k, v=codes.v)
    print(f"{path}: {len(codes.q)} tokens")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", type=Path, nargs="+", required=True)
    parser.add_argument("-o", "--output", type=Path, default=Path("build/study"))
    arguments = parser.parse_args()
    collect(arguments.output, arguments.text)
    for saturation in SATURATIONS:
        record(arguments.output, saturation)
    for sweep in SWEEPS:
        shutil.copy(sweep, arguments.output)


if __name__ == "__main__":
    main()
