"""20 000 tokens of the gpt2 head on each readout and transport, every output compared.

The shipped tokens come first, then random ones; ``make exact`` writes the table that is committed
as docs/evidence/exactness.md.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from gaincell.behavioral.lively import coverage, lively_tokens
from gaincell.behavioral.tokens import Tokens, shipped_tokens
from gaincell.cocotb_tests.run.build import TRANSPORTS, build
from gaincell.cocotb_tests.run.compare import compare
from gaincell.cocotb_tests.run.simulate import simulate
from gaincell.config import READOUT_NAMES, HeadConfig
from gaincell.files import check_writable, replacing

TOKENS = 20_000
SEED = 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        check_writable(arguments.output)
    except ValueError as error:
        parser.error(str(error))
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
    with replacing(arguments.output) as unfinished:
        unfinished.write_text("\n".join(lines) + "\n")
    return int(wrong > 0)


def all_tokens(config: HeadConfig) -> Tokens:
    shipped = shipped_tokens(config)
    rng = np.random.default_rng(SEED)
    rest = lively_tokens(TOKENS - len(shipped), config, rng, first_share=1e-4)
    return Tokens.concatenate([shipped, rest])


if __name__ == "__main__":
    sys.exit(main())
