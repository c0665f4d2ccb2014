"""The waveform of a few tokens, every wire in every cycle."""

from pathlib import Path

from gaincell.behavioral.tokens import Tokens
from gaincell.cocotb_tests.run.build import build
from gaincell.cocotb_tests.run.simulate import simulate
from gaincell.config import HeadConfig

WAVE_TOKENS = 8


def record_waves(
    tokens: Tokens, config: HeadConfig, output: Path, seed: int = 0, progress: bool = False
) -> None:
    """Run the first ``WAVE_TOKENS`` of ``tokens`` and write a VCD file; raises as ``simulate``."""
    recorded = build(config, waves="vcd", progress=progress)
    few = tokens[:WAVE_TOKENS]
    simulate(recorded, few, config, transport="per-ns", waves=output, seed=seed)
