"""The number of windows that the closed-form start is fitted on, from model and machine."""

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from gaincell.ml.start.calibration import FEWEST, MOST, Machine, calibration_for

LARGE = 1 << 40


@pytest.fixture(scope="module")
def smollm2():
    """SmolLM2's shape, without memory for its weights."""
    config = LlamaConfig(
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        hidden_size=576,
        intermediate_size=1536,
        vocab_size=49152,
    )
    with torch.device("meta"):
        return LlamaForCausalLM(config)


def test_two_cores_fit_all_of_smollm2_on_160_windows_in_about_ten_minutes(smollm2):
    found = calibration_for(smollm2, None, 512, Machine(2, LARGE))
    assert 140 <= found.windows <= MOST
    assert found.seconds(found.windows, 0) == pytest.approx(600, rel=0.05)


def test_more_work_or_fewer_threads_mean_fewer_windows_within_both_ends(smollm2):
    one = calibration_for(smollm2, None, 512, Machine(1, LARGE))
    assert FEWEST < one.windows < MOST
    half = calibration_for(smollm2, range(15), 1024, Machine(1, LARGE))
    assert half.windows == one.windows
    assert calibration_for(smollm2, [3], 512, Machine(1, LARGE)).windows == MOST
    assert calibration_for(smollm2, None, 8192, Machine(1, LARGE)).windows == FEWEST


def test_little_memory_means_fewer_windows(smollm2):
    # 4 bytes of 12 * 576 numbers for each of 512 tokens, in half of the memory.
    machine = Machine(64, 2 * 50 * 4 * 12 * 576 * 512)
    assert calibration_for(smollm2, None, 512, machine).windows == 50


def test_the_same_machine_gives_the_same_number_again(smollm2):
    assert Machine.here() == Machine.here()
    assert Machine.here().threads == torch.get_num_threads()
    assert Machine.here().memory_bytes > 1 << 28
    first, second = (calibration_for(smollm2, None, 512, Machine.here()) for _ in range(2))
    assert first == second
