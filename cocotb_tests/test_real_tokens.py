"""The shipped codes of a language model's head, longer than the window, on the default head."""

import pytest

from gaincell.behavioral.tokens import shipped_tokens
from gaincell.cocotb_tests.run.verify import verify
from gaincell.config import PRESETS, READOUT_NAMES, HeadConfig

pytestmark = pytest.mark.cosim


@pytest.mark.parametrize("readout", READOUT_NAMES)
def test_a_whole_text_is_exact(readout: str) -> None:
    config = HeadConfig(readout=readout)
    tokens = shipped_tokens(config)
    assert len(tokens) > config.window
    simulated = verify(config, tokens)
    assert simulated.y_code.min() < -30
    assert simulated.y_code.max() > 30
    assert (simulated.y_code == 0).mean() < 0.2


def test_the_first_tokens_are_exact_on_every_wire() -> None:
    config = PRESETS["gpt2"]
    verify(config, shipped_tokens(config, 150), transport="per-ns")


@pytest.mark.parametrize("schedule", ["paired", "sequential"])
def test_any_schedule_reads_the_text_alike(schedule: str) -> None:
    config = HeadConfig(schedule=schedule)
    verify(config, shipped_tokens(config, 400))
