"""Runs a head's Verilog and keeps what its control did on the wires."""

from __future__ import annotations

import numpy as np

from gaincell.behavioral.tokens import Tokens
from gaincell.cocotb_tests.run.build import build
from gaincell.cocotb_tests.run.simulate import simulate
from gaincell.refusals import Failed
from gaincell.spice.replay.expected import by_contract
from gaincell.spice.replay.head import ReplayedHead
from gaincell.spice.replay.wires import Control, control_of


def run_verilog(head: ReplayedHead, tokens: Tokens, seed: int = 0) -> Control:
    """The control's wires for ``tokens``, with the arrays of ``behavioral`` behind them.

    Raises
    ------
    Failed, Unable
        As ``simulate``; or the outputs of the Verilog are not those of the contract.
    """
    config = head.config
    idle = np.full(tokens.q_code.shape[:-1], config.interval_cycles - 1)
    flat, group = idle.reshape(-1), tokens.queries_per_token
    # the first token of a sequence is launched behind a clear, so its successor must wait longer
    behind = np.flatnonzero(tokens.first) * group + 1
    flat[behind[behind < len(flat)]] += config.timing.clear_cycles
    simulated = simulate(
        build(config, progress=True),
        tokens,
        config,
        transport="per-ns",
        idle=idle,
        seed=seed,
        record_wires=True,
    )
    assert simulated.wires is not None
    control = control_of(simulated.wires, config)
    y_code = by_contract(head, control).codes.sum(axis=1)
    if not np.array_equal(y_code, simulated.y_code.reshape(y_code.shape)):
        raise Failed("the Verilog's outputs are not those of the contract: run gaincell cosim")
    return control
