"""The head's answers against what the contract says they are."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral.attention import attend_and_count_ties
from gaincell.cocotb_tests.simulate import Simulated
from gaincell.cocotb_tests.token_files import Tokens
from gaincell.config import HeadConfig


@dataclass(frozen=True)
class Comparison:
    """Outputs that differ, of ``outputs`` in all; ``ties`` read-outs were too close to call."""

    outputs: int
    mismatches: int
    ties: int
    first_difference: str | None


def compare(tokens: Tokens, simulated: Simulated, config: HeadConfig) -> Comparison:
    """Hold the simulated outputs against ``attend``.

    In age mode "steps" the outputs follow from the tokens alone; in age mode "time" from the
    event log too, which then says when each column was written and read.
    """
    events = simulated.events if config.age_mode == "time" else None
    expected, ties = attend_and_count_ties(
        tokens["q"], tokens["k"], tokens["v"], config, events, first=tokens["first"]
    )
    different = np.argwhere(expected != simulated.y_code)
    return Comparison(
        expected.size, len(different), ties, _describe(different, expected, simulated.y_code)
    )


def _describe(
    different: NDArray[Any], expected: NDArray[np.int64], got: NDArray[np.int64]
) -> str | None:
    if not len(different):
        return None
    token, dimension = (int(index) for index in different[0])
    return (
        f"first difference at token {token}, dimension {dimension}: "
        f"expected {expected[token, dimension]}, got {got[token, dimension]}"
    )
