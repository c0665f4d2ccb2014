"""One verdict on a head: its Verilog under given conditions against every description of it."""

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral.attention import attend
from gaincell.cocotb_tests.build import build
from gaincell.cocotb_tests.compare import compare
from gaincell.cocotb_tests.simulate import Simulated, simulate
from gaincell.cocotb_tests.token_files import Tokens
from gaincell.config import HeadConfig
from gaincell.refusals import Failed


def verify(
    config: HeadConfig,
    tokens: Tokens,
    *,
    simulator: str = "verilator",
    transport: str = "fast",
    verilog: str | None = None,
    idle: NDArray[np.integer] | None = None,
    stall: NDArray[np.integer] | None = None,
    interrupt_cycle: int | None = None,
    seed: int = 0,
) -> Simulated:
    """Simulate ``tokens`` and raise Failed unless everything agrees.

    Checked are the outputs against ``attend`` with and without the event log, and, where no
    result was ever refused, that each latency is exactly what the config says.
    """
    simulation = build(config, simulator=simulator, transport=transport, verilog=verilog)
    simulated = simulate(
        simulation,
        tokens,
        config,
        transport=transport,
        idle=idle,
        stall=stall,
        interrupt_cycle=interrupt_cycle,
        seed=seed,
    )
    comparison = compare(tokens, simulated, config)
    if comparison.first_difference:
        raise Failed(f"{comparison.mismatches} mismatches, {comparison.first_difference}")
    logged = attend(
        tokens["q"], tokens["k"], tokens["v"], config, simulated.events, first=tokens["first"]
    )
    if (logged != simulated.y_code).any():
        raise Failed("the outputs do not follow from the event log")
    if stall is None or not stall.any():
        expected = config.latency_cycles + config.timing.clear_cycles * tokens["first"]
        if (simulated.latency_cycles != expected).any():
            token = int(np.argmax(simulated.latency_cycles != expected))
            raise Failed(
                f"token {token} took {simulated.latency_cycles[token]} cycles, "
                f"but should take {expected[token]}"
            )
    return simulated
