"""Numbers that follow from a HeadConfig, at the paper's sizes and scaled."""

import math

import numpy as np
import pytest

from gaincell.cell import CUBIC, LINEAR
from gaincell.config import PRESETS, HeadConfig
from gaincell.schedule import WRITE_GAP_CYCLES


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


@pytest.mark.parametrize(
    ("window", "columns", "sink", "slots"),
    [
        (6, 3, 2, [6, 7, 2, 3, 4, 5, 0, 1, 2]),
        (3, 3, 3, [3, 4, 5, 0, 1, 2, 0]),
        (4, 2, 0, [0, 1, 2, 3, 0, 1]),
        (1, 1, 1, [1, 0, 0]),
    ],
)
def test_tokens_go_round_the_ring_and_the_first_ones_to_the_sink(window, columns, sink, slots):
    config = HeadConfig(head_dim=2, window=window, columns=columns, sink=sink)
    assert [config.slot_of(position) for position in range(len(slots))] == slots
    assert config.slot_of(np.arange(len(slots))).tolist() == slots
    assert config.stored_columns == len(set(slots))
    assert max(slots) < config.stored_columns <= config.slots == config.tiles * columns
    if sink:
        assert config.place_of(config.slot_of(sink - 1)) == (config.ring_tiles, sink - 1)


def test_a_test_bench_waits_for_four_latencies_of_a_first_token():
    config = HeadConfig(write_cycles=20)
    assert config.stopped_after_cycles == 4 * (config.latency_cycles + 20 + WRITE_GAP_CYCLES)


@pytest.mark.parametrize("age_mode", ["steps", "time"])
def test_ages_are_counted_in_tokens_or_in_cycles(age_mode):
    config = HeadConfig(age_mode=age_mode, token_s=2e-6, clock_s=1e-9, retention_s=4e-3)
    unit_s = {"steps": 2e-6, "time": 1e-9}[age_mode]
    assert config.decay_rate == unit_s / 4e-3
    assert config.decay_per_token == pytest.approx(1 - 5e-4, abs=2e-7)


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
    config = HeadConfig(cell="linear", retention_error=0.5)
    assert config.refresh_s == math.inf
    assert config.bound_cycles is None
    assert config.retention is None


def test_the_default_head_visits_a_column_every_601_cycles():
    plan = HeadConfig().retention
    assert plan.bound_cycles == HeadConfig().bound_cycles == 770_753
    assert (plan.stored_columns, plan.visit_cycles, plan.segment_visits) == (1024, 601, 128)
    assert plan.patience_cycles == 601 - (1 + 25 + 26)


def test_no_plan_lets_a_column_grow_older_than_the_bound():
    rng = np.random.default_rng(5)
    kept = 0
    for _ in range(400):
        columns, tiles = (int(count) for count in rng.integers(1, 40, 2))
        fields = {
            "window": columns * tiles,
            "columns": columns,
            "sink": int(rng.integers(0, columns + 1)),
            "schedule": str(rng.choice(["sequential", "overlapped", "paired"])),
            "write_cycles": int(rng.integers(1, 20)),
            "query_bits": int(rng.integers(1, 7)),
            "retention_s": float(10 ** rng.uniform(-6, -2)),
            "clock_s": float(10 ** rng.uniform(-9.5, -8)),
        }
        try:
            config = HeadConfig(**fields)
        except ValueError:
            continue
        plan, timing = config.retention, config.timing
        kept += 1
        assert plan.young_cycles + plan.sweep_cycles + plan.visit_cycles <= plan.bound_cycles
        assert plan.bound_cycles * config.clock_s <= config.refresh_s
        assert plan.patience_cycles >= config.interval_cycles
        last_launch = plan.patience_cycles + 1 + timing.arrays_cycles
        assert last_launch + timing.v_write.end <= plan.visit_cycles
    assert kept > 100


def test_refresh_scales_with_retention():
    assert HeadConfig(retention_s=1.0).refresh_s == pytest.approx(0.15415, abs=1e-5)
    assert HeadConfig(retention_error=0.1).refresh_s == pytest.approx(-5e-3 * math.log(0.8))


def test_bound_is_the_whole_cycles_of_the_refresh_time():
    assert HeadConfig().bound_cycles == 770753
    assert HeadConfig(clock_s=2e-9).bound_cycles == 385376
    assert HeadConfig(refresh=False).bound_cycles == 770753
    assert HeadConfig(cell="linear", retention_error=0.5).bound_cycles is None
    for retention_s in (1e-3, 2.2e-3, 0.31):
        config = HeadConfig(retention_s=retention_s)
        assert config.bound_cycles * 1e-9 <= config.refresh_s < (config.bound_cycles + 1) * 1e-9


def test_plans_no_refresh_where_it_is_off():
    assert HeadConfig(refresh=False).retention is None


def test_sink_columns_are_visited_too():
    plan = HeadConfig(sink=3).retention
    assert (plan.stored_columns, plan.segment_visits) == (1027, 129)
    assert plan.visit_cycles == 770_753 // (1027 + 2 * 129 + 1)
    assert plan.sweep_cycles == 1027 * plan.visit_cycles
    assert plan.young_cycles == 2 * 129 * plan.visit_cycles


def test_lists_the_fields_that_differ_from_the_default():
    assert HeadConfig().fields_set() == {}
    fields = {"head_dim": 8, "window": 16, "columns": 4, "cell": "linear", "sync_stages": 2}
    assert HeadConfig(**fields).fields_set() == fields
    assert list(HeadConfig(sync_stages=2, head_dim=8).fields_set()) == ["head_dim", "sync_stages"]
    assert HeadConfig(**HeadConfig(**fields).fields_set()) == HeadConfig(**fields)
