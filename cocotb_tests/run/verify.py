"""``verify``: simulate a head and check its outputs and latencies in every way there is."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral.tokens import Tokens
from gaincell.cocotb_tests.run.build import build
from gaincell.cocotb_tests.run.compare import compare, logged_attention
from gaincell.cocotb_tests.run.simulate import Memory, Simulated, simulate
from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig, core_of
from gaincell.refusals import Failed


def verify(
    config: HeadConfig | CoreConfig,
    tokens: Tokens,
    *,
    simulator: str = "verilator",
    transport: str = "fast",
    verilog: str | None = None,
    idle: NDArray[np.integer] | None = None,
    stall: NDArray[np.integer] | None = None,
    memory: Memory | None = None,
    beat_pause: float = 0.0,
    check_age: bool = True,
    interrupt_cycle: int | None = None,
    seed: int = 0,
    plusargs: Sequence[str] = (),
) -> Simulated:
    """Simulate ``tokens`` and raise Failed unless everything agrees.

    The outputs must equal those of ``attend`` with and without the event log. If no result was
    refused, every latency must be exactly the config's; with beats of results, no shorter.
    """
    core = core_of(config)
    simulation = build(config, simulator=simulator, verilog=verilog)
    simulated = simulate(
        simulation,
        tokens,
        config,
        transport=transport,
        idle=idle,
        stall=stall,
        memory=memory,
        beat_pause=beat_pause,
        check_age=check_age,
        interrupt_cycle=interrupt_cycle,
        seed=seed,
        plusargs=plusargs,
    )
    comparison = compare(tokens, simulated, config)
    if comparison.first_difference:
        raise Failed(f"{comparison.mismatches} mismatches, {comparison.first_difference}")
    logged, _ = logged_attention(tokens, simulated.events, core.head)
    if (logged != simulated.y_code).any():
        raise Failed("the outputs do not follow from the event log")
    if stall is None or not stall.any():
        latency = simulated.latency_cycles.reshape(len(tokens), -1)
        expected = np.full_like(latency, core.head.latency_cycles)
        expected[:, 0] += core.head.timing.clear_cycles * tokens.first
        wrong = latency != expected
        if core.result_beat_bits is not None:
            wrong = latency <= expected
        if wrong.any():
            token, query = (int(index) for index in np.argwhere(wrong)[0])
            raise Failed(
                f"query {query} of token {token} took {latency[token, query]} cycles, "
                f"but should take {expected[token, query]}"
            )
    return simulated
