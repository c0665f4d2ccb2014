"""Numbers that follow from a HeadConfig, at the paper's sizes and scaled."""

import math

import pytest

from gaincell.cell import CUBIC, LINEAR
from gaincell.config import PRESETS, HeadConfig


def test_default_is_the_head_of_the_paper():
    config = HeadConfig()
    assert (config.head_dim, config.window, config.columns) == (64, 1024, 64)
    assert config.ring_tiles == config.tiles == 16
    assert (config.query_max, config.key_max, config.value_max) == (15, 7, 7)
    assert config.readout_max == 15
    assert (config.s_sat, config.a_sat) == (80, 40)
    assert config.result_max == 240
    assert config.pulse_cycles == 15
    assert config.interval_cycles == 32
    assert config.latency_cycles <= 65
    assert config.refresh_s == pytest.approx(0.77e-3, abs=0.005e-3)
    assert config.decay_per_token == pytest.approx(1 - 1.6e-4, abs=2e-8)
    assert PRESETS["gpt2"] == config


def test_pairs_of_integrators_bring_tokens_every_25_cycles():
    config = HeadConfig(schedule="paired")
    assert config.interval_cycles == 25
    assert config.latency_cycles <= 65


def test_one_token_at_a_time_waits_for_its_result():
    config = HeadConfig(schedule="sequential")
    assert config.interval_cycles == config.latency_cycles + 1
    assert config.latency_cycles <= 65


def test_cell_is_the_papers_polynomial_contracted_at_full_read_voltage():
    terms = [
        [0.17393044, 0.15653739, 0.14088365, 0.12679529],
        [5.51975209, 4.96777688, 4.4709992],
        [-1.44776001, -1.30298401],
        [46.05483778],
    ]
    at_read_voltage = [sum(c * 0.9**j for j, c in enumerate(row)) for row in terms]
    assert HeadConfig().cell_coefficients == CUBIC
    assert pytest.approx(at_read_voltage, rel=1e-8) == CUBIC
    assert HeadConfig(cell="linear").cell_coefficients == LINEAR == (0.0, 19.3)
    assert HeadConfig(cell=[0.0, 2.0]).cell_coefficients == (0.0, 2.0)


@pytest.mark.parametrize(
    ("head_dim", "columns", "s_sat", "a_sat"),
    [(64, 64, 80, 40), (8, 4, 10, 2.5), (1, 1, 1.25, 0.625), (128, 32, 160, 20)],
)
def test_saturations_scale_with_head_dimension_and_columns(head_dim, columns, s_sat, a_sat):
    config = HeadConfig(head_dim=head_dim, columns=columns, window=4 * columns)
    assert (config.s_sat, config.a_sat) == (s_sat, a_sat)


def test_saturations_given_are_not_scaled():
    config = HeadConfig(head_dim=8, score_saturation=20.0, output_saturation=10.0)
    assert (config.s_sat, config.a_sat) == (20.0, 10.0)


def test_sink_adds_one_sub_tile_and_its_full_scale_to_the_result():
    config = HeadConfig(sink=1)
    assert (config.ring_tiles, config.tiles) == (16, 17)
    assert config.result_max == 17 * 15
    assert HeadConfig(sink=64).tiles == 17


@pytest.mark.parametrize("readout_bits", range(1, 9))
@pytest.mark.parametrize("tiles", [1, 2, 3, 16, 17])
def test_result_width_holds_every_signed_result_and_no_bit_is_spare(readout_bits, tiles):
    config = HeadConfig(window=tiles * 64, readout_bits=readout_bits)
    largest = tiles * (2**readout_bits - 1)
    assert config.result_max == largest
    assert largest <= 2 ** (config.result_width - 1) - 1
    assert largest > 2 ** (config.result_width - 2) - 1


@pytest.mark.parametrize(
    ("key_bits", "value_bits", "limit"),
    [(3, 3, 1 / 14), (4, 3, 1 / 30), (2, 5, 1 / 62), (1, 2, 1 / 6)],
)
def test_default_retention_error_is_half_a_step_of_the_finer_code(key_bits, value_bits, limit):
    config = HeadConfig(key_bits=key_bits, value_bits=value_bits)
    assert config.retention_error_limit == pytest.approx(limit, rel=1e-12)
    left = math.exp(-config.refresh_s / config.retention_s)
    assert 0.5 * (1 - left) == pytest.approx(limit, rel=1e-12)


def test_refresh_is_never_needed_when_any_error_is_allowed():
    assert HeadConfig(cell="linear", retention_error=0.5).refresh_s == math.inf


def test_refresh_scales_with_retention():
    assert HeadConfig(retention_s=1.0).refresh_s == pytest.approx(0.15415, abs=1e-5)
    assert HeadConfig(retention_error=0.1).refresh_s == pytest.approx(-5e-3 * math.log(0.8))


def test_lists_the_fields_that_differ_from_the_default():
    assert HeadConfig().fields_set() == {}
    fields = {"head_dim": 8, "window": 16, "columns": 4, "cell": "linear", "sync_stages": 2}
    assert HeadConfig(**fields).fields_set() == fields
    assert list(HeadConfig(sync_stages=2, head_dim=8).fields_set()) == ["head_dim", "sync_stages"]
    assert HeadConfig(**HeadConfig(**fields).fields_set()) == HeadConfig(**fields)
