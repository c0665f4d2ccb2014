"""Co-simulation: the Verilog of a head in a simulator, numpy models of its arrays around it.

``build`` compiles the Verilog together with its test bench. ``simulate`` runs tokens through it,
while the arrays in ``behavioral`` watch the wires and answer. ``compare`` holds the outputs against
the contract, ``behavioral.attention.attend``.

>>> import numpy as np
>>> from gaincell.behavioral.tokens import random_tokens
>>> from gaincell.cocotb_tests.run.build import build
>>> from gaincell.cocotb_tests.run.compare import compare
>>> from gaincell.cocotb_tests.run.simulate import simulate
>>> from gaincell.config import PRESETS

>>> config = PRESETS["tiny"]
>>> tokens = random_tokens(20, config, np.random.default_rng(0))
>>> simulation = build(config, simulator="verilator")
>>> simulated = simulate(simulation, tokens, config)
>>> simulated.y_code.shape  # 20 tokens, 8 dimensions
(20, 8)
>>> comparison = compare(tokens, simulated, config)
>>> f"{comparison.mismatches} mismatches in {comparison.outputs} outputs"
'0 mismatches in 160 outputs'
>>> comparison.first_difference is None
True

The first token of a sequence waits until every cell is cleared; the others have the latency that
the config says.

>>> [int(cycles) for cycles in simulated.latency_cycles[:3]]
[70, 59, 59]
>>> config.latency_cycles
59
"""
