"""Compare the outputs of a head with the outputs that the contract demands."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral.attention import attend_and_count_ties
from gaincell.behavioral.events import Events
from gaincell.behavioral.tokens import Tokens
from gaincell.cocotb_tests.run.simulate import Simulated
from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig, core_of
from gaincell.refusals import Failed


@dataclass(frozen=True)
class Comparison:
    """How many of ``outputs`` of ``heads`` differ; ``ties`` read-outs are too close to call."""

    outputs: int
    mismatches: int
    ties: int
    first_difference: str | None
    heads: int = 1


def compare(tokens: Tokens, simulated: Simulated, config: HeadConfig | CoreConfig) -> Comparison:
    """Compare the simulated outputs with ``attend``.

    In age mode "steps" the outputs follow from the tokens alone, unless a column was refreshed or
    dropped. Then, and in age mode "time", they follow from the event log too, which says when each
    column was written and read.

    Raises
    ------
    Failed
        The event log does not belong to these tokens.
    """
    head = core_of(config).head
    events = simulated.events if needs_events(simulated.events, head) else None
    expected, ties = logged_attention(tokens, events, head)
    different = np.argwhere(expected != simulated.y_code)
    query = "query" if tokens.groups is None else "head"
    difference = _describe(different, expected, simulated.y_code, query)
    heads = core_of(config).heads
    return Comparison(expected.size, len(different), ties, difference, heads)


def logged_attention(
    tokens: Tokens, events: Events | None, config: HeadConfig
) -> tuple[NDArray[np.int64], int]:
    """``attend_and_count_ties``; raises Failed for a log that does not fit: the head is wrong."""
    try:
        return attend_and_count_ties(*tokens.codes, config, events, first=tokens.first)
    except ValueError as error:
        if events is None:
            raise
        raise Failed(f"the event log does not fit the tokens: {error}") from error


def needs_events(events: Events, config: HeadConfig) -> bool:
    """Whether the outputs depend on more than the tokens."""
    rewritten = np.isin(events["kind"], ("refresh", "clear")) & (events["slot"] >= 0)
    return config.age_mode == "time" or bool(rewritten.any())


def _describe(
    different: NDArray[Any], expected: NDArray[np.int64], got: NDArray[np.int64], which: str
) -> str | None:
    if not len(different):
        return None
    place = tuple(int(index) for index in different[0])
    token, *query, dimension = place
    return (
        f"first difference at token {token}, "
        + "".join(f"{which} {index}, " for index in query)
        + f"dimension {dimension}: expected {expected[place]}, got {got[place]}"
    )
