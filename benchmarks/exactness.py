"""20 000 tokens of the gpt2 head on each readout and transport, every output compared.

The shipped tokens come first, then random ones; ``make exact`` writes the table that is committed
as docs/evidence/exactness.md. With ``--model`` and ``--text`` twelve heads of a converted model
read the text in one core: docs/evidence/exactness_core.md.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from gaincell.behavioral.attention import attend
from gaincell.behavioral.lively import coverage, lively_tokens
from gaincell.behavioral.tokens import Tokens, shipped_tokens
from gaincell.cocotb_tests.bench.transports import TRANSPORTS
from gaincell.cocotb_tests.run.build import build
from gaincell.cocotb_tests.run.compare import compare
from gaincell.cocotb_tests.run.simulate import simulate
from gaincell.config import READOUT_NAMES, HeadConfig
from gaincell.core.config import CoreConfig
from gaincell.files import check_writable, replacing

TOKENS = 20_000
SEED = 1
CORE_HEADS = dict.fromkeys((10, 11, 12, 13), (0, 3, 6))
"""Of SmolLM2: each with keys of its own."""
CORE_TOKENS = 2000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--model", help="a converted model whose heads fill a core")
    parser.add_argument("--text", type=Path, help="the text that it reads")
    arguments = parser.parse_args()
    if (arguments.model is None) != (arguments.text is None):
        parser.error("--model and --text go together")
    try:
        check_writable(arguments.output)
    except ValueError as error:
        parser.error(str(error))
    if arguments.model is not None:
        lines, wrong = of_core(arguments.model, arguments.text)
    else:
        lines, wrong = of_head()
    with replacing(arguments.output) as unfinished:
        unfinished.write_text("\n".join(lines) + "\n")
    return int(wrong > 0)


def of_head() -> tuple[list[str], int]:
    """The page of the default head, and its mismatches."""
    lines = [
        "# The default head, 20 000 tokens",
        "",
        f"`make exact`: the {len(shipped_tokens(HeadConfig()))} shipped tokens, then random "
        f"ones with new sequences between them (seed {SEED}).",
        "",
        "| readout | transport | tokens | outputs | mismatches | near ties | covered |",
        "|---|---|---|---|---|---|---|",
    ]
    wrong = 0
    for readout in READOUT_NAMES:
        config = HeadConfig(readout=readout)
        tokens = all_tokens(config)
        covered = coverage(tokens[:3000], config)
        for transport in TRANSPORTS:
            simulation = build(config)
            simulated = simulate(simulation, tokens, config, transport=transport, progress=True)
            found = compare(tokens, simulated, config)
            wrong += found.mismatches
            lines.append(
                f"| {readout} | {transport} | {TOKENS} | {found.outputs} | {found.mismatches} "
                f"| {found.ties} | {covered} |"
            )
            print(lines[-1], found.first_difference or "")
    return lines, wrong


def of_core(model: str, text: Path) -> tuple[list[str], int]:
    """The page of a core of a model's heads, and its mismatches."""
    head, tokens = tokens_of_model(model, text)
    core = CoreConfig(head=head, heads=tokens.q_code.shape[1])
    simulated = simulate(build(core, progress=True), tokens, core, progress=True)
    found = compare(tokens, simulated, core)
    heads = ", ".join(f"{layer}:{at}" for layer, own in CORE_HEADS.items() for at in own)
    lines = [
        "# A core of twelve heads of a language model",
        "",
        f"`python benchmarks/exactness.py --model hw --text wikitext2_valid.txt`: heads {heads} of "
        "SmolLM2-135M, converted with `--difference docs/evidence/gpu/smollm2.safetensors`, read "
        "the validation text of WikiText-2 in lock step.",
        "",
        "| heads | tokens | outputs | mismatches | near ties | covered, head 0 |",
        "|---|---|---|---|---|---|",
        f"| {core.heads} | {len(tokens)} | {found.outputs} | {found.mismatches} | {found.ties} "
        f"| {coverage(one_head(tokens), head)} |",
    ]
    print(lines[-1], found.first_difference or "")
    return lines, found.mismatches


def one_head(tokens: Tokens) -> Tokens:
    """Head 0 of heads in lock step, each with keys of its own."""
    q_code, k_code, v_code = (codes[:, 0] for codes in tokens.codes)
    return Tokens(q_code, k_code, v_code, tokens.first)


def tokens_of_model(name: str, text: Path) -> tuple[HeadConfig, Tokens]:
    """The config of a converted model, and what ``CORE_HEADS`` see while it reads a text."""
    import torch

    from gaincell.ml.evaluate.text_tokens import tokens_of
    from gaincell.ml.generate.served_heads import ServedCache
    from gaincell.ml.models.load import load_model
    from gaincell.ml.models.settings import Settings

    model, tokenizer = load_model(name)
    head = Settings.of(model.config).head
    seen: list[tuple[np.ndarray, ...]] = []

    def answer(layer: int, heads: object, *codes: np.ndarray) -> np.ndarray:
        seen.append(codes)
        return np.stack([attend(*own, head) for own in zip(*codes, strict=True)])

    # The newest tokens of a text stay beside the arrays.
    ids = tokens_of(text, tokenizer, model)[: model.config.max_position_embeddings]
    with torch.no_grad():
        cache = ServedCache(model.config, CORE_HEADS, answer)
        model(ids[None], past_key_values=cache, use_cache=True)
    q_code, k_code, v_code = (
        np.concatenate([codes[place] for codes in seen]).swapaxes(0, 1)[:CORE_TOKENS]
        for place in range(3)
    )
    return head, Tokens(q_code, k_code, v_code, np.arange(CORE_TOKENS) == 0)


def all_tokens(config: HeadConfig) -> Tokens:
    shipped = shipped_tokens(config)
    rng = np.random.default_rng(SEED)
    rest = lively_tokens(TOKENS - len(shipped), config, rng, first_share=1e-4)
    return Tokens.concatenate([shipped, rest])


if __name__ == "__main__":
    sys.exit(main())
