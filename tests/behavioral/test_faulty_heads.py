"""Faults in a whole head: none changes nothing, each changes answers, all can act together.

Random effects are compared within 5 sigma of the estimate, which a sound model misses once in 1.7
million; seeds are fixed, so it never does.
"""

import math

import numpy as np
import pytest
from token_codes import GEOMETRIES, assert_covers, random_codes

from gaincell.behavioral.arrays import AnalogHead
from gaincell.behavioral.attention import attend
from gaincell.behavioral.control import run_arrays
from gaincell.behavioral.faults import Faults, drooped
from gaincell.config import HeadConfig

LARGE = {
    "write_error_v": 0.05,
    "dac_inl_lsb": 1.0,
    "ktc_noise_v": 0.05,
    "gain_mismatch": 0.2,
    "offset_mismatch": 2.0,
    "read_noise": 2.0,
    "leak_spread": 1.0,
    "ir_drop": 0.3,
    "comparator_offset": 0.2,
    "ramp_gain_error": 0.2,
    "pulse_jitter_cycles": 2.0,
    "hold_droop_per_cycle": 0.02,
    "query_skew_cycles": 3.0,
}
CONFIG = GEOMETRIES["strong leak"]
TOKENS = 40

COLUMNS = 4
WIDE = HeadConfig(
    head_dim=4000,
    window=COLUMNS,
    columns=COLUMNS,
    cell="linear",
    readout_bits=8,
    query_bits=2,
    score_saturation=100.0,
    output_saturation=50.0,
)
"""Queries at full length saturate every phi, so each of 4000 outputs adds four equal cells."""
CHARGE = COLUMNS * 19.3 * 0.45
LSB = 1 / WIDE.readout_max


def outputs(faults: Faults, config: HeadConfig = WIDE) -> np.ndarray:
    """Converted output of each dimension, fraction of a_sat, all cells at full scale."""
    print("seed 95")
    head = AnalogHead(config, faults, np.random.default_rng(95))
    full = np.full(config.head_dim, 7)
    head.write_all(head.k, full, cycle=0)
    head.write_all(head.v, full, cycle=0)
    head.reset_scores(0)
    head.reset_outputs(0)
    head.integrate_scores(0, np.full_like(full, config.pulse_cycles), cycle=0)
    head.integrate_outputs(0, 0, config.pulse_cycles, cycle=0)
    magnitude, negative = head.convert(0)
    assert not negative.any()
    return magnitude[0] * LSB


def assert_normal(sample: np.ndarray, mean: float, sigma: float) -> None:
    """As a normal distribution rounded to LSB: mean and variance each within 5 sigma."""
    n, seen = sample.size, math.hypot(sigma, LSB / math.sqrt(12))
    assert abs(sample.mean() - mean) < 5 * seen / math.sqrt(n)
    assert abs(sample.std() - seen) < 5 * seen / math.sqrt(2 * n)


def test_every_fault_has_a_large_size_here():
    assert set(LARGE) == set(Faults.__dataclass_fields__)


def test_without_faults_outputs_are_the_charge():
    assert np.abs(outputs(Faults()) - CHARGE / WIDE.a_sat).max() <= LSB / 2


def test_read_noise_of_the_columns_adds_in_power():
    sigma = 1.0 * math.sqrt(COLUMNS)
    seen = outputs(Faults(read_noise=1.0))
    assert_normal(seen, CHARGE / WIDE.a_sat, sigma / WIDE.a_sat)


def test_read_noise_of_the_rows_adds_in_power_to_the_score():
    """300 columns of 400 cells at half saturation; each sub-tile's mean output is its one phi."""
    rows, net_rows, sigma = 400, 6, 0.5
    charge = 19.3 * 0.45
    config = HeadConfig(
        head_dim=rows,
        window=300,
        columns=1,
        cell="linear",
        readout_bits=8,
        score_saturation=2 * net_rows * charge,
        output_saturation=charge,
    )
    print("seed 99")
    head = AnalogHead(config, Faults(read_noise=sigma), np.random.default_rng(99))
    head.write_all(head.k, np.where(np.arange(rows) < (rows + net_rows) / 2, 7, 0), cycle=0)
    head.write_all(head.v, np.full(rows, 7), cycle=0)
    head.reset_scores(0)
    head.reset_outputs(0)
    head.integrate_scores(0, np.full(rows, config.pulse_cycles), cycle=0)
    head.integrate_outputs(0, 0, config.pulse_cycles, cycle=0)
    phi = head.convert(0)[0].mean(axis=1) / config.readout_max
    of_score = sigma * math.sqrt(rows) / config.s_sat
    of_values = sigma * math.sqrt(0.5) / charge / math.sqrt(rows)
    expected = math.hypot(of_score, of_values)
    assert abs(phi.mean() - 0.5) < 5 * expected / math.sqrt(phi.size)
    assert abs(phi.std() - expected) < 5 * expected / math.sqrt(2 * phi.size)


def test_offset_and_slope_of_the_output_converters_show():
    relative = CHARGE / WIDE.a_sat
    assert_normal(outputs(Faults(comparator_offset=0.05)), relative, 0.05)
    assert_normal(outputs(Faults(ramp_gain_error=0.05)), relative, 0.05 * relative)


def test_jitter_of_the_output_pulses_shows():
    """Steps of 10000 cycles keep the jitter of the phi pulses out of sight."""
    config = HeadConfig(**WIDE.fields_set() | {"step_cycles": 10_000, "refresh": False})
    seen = outputs(Faults(pulse_jitter_cycles=8.0), config)
    assert_normal(seen, CHARGE / WIDE.a_sat, 8.0 * LSB)


def test_outputs_droop_over_their_own_conversion():
    seen = outputs(Faults(hold_droop_per_cycle=1e-3))
    expected = drooped(np.array([CHARGE / WIDE.a_sat]), 1e-3 * WIDE.readout_max)[0]
    assert expected < CHARGE / WIDE.a_sat - 10 * LSB
    assert np.abs(seen - expected).max() <= LSB / 2


def test_ir_drop_shows_along_the_dimensions():
    seen = outputs(Faults(ir_drop=0.2))
    expected = CHARGE / WIDE.a_sat * (1 - 0.2 * np.arange(WIDE.head_dim) / (WIDE.head_dim - 1))
    assert np.abs(seen - expected).max() <= LSB / 2 + 1e-9


def test_query_skew_lengthens_or_shortens_the_pulses_of_its_line():
    """One dimension: score and so phi follow the width of its only query line."""
    config = HeadConfig(
        head_dim=1,
        window=1,
        columns=1,
        cell="linear",
        readout_bits=8,
        score_saturation=19.3 * 0.45 * 3,
        output_saturation=19.3 * 0.45,
    )
    one = np.array([7])
    widths = []
    print("seeds 0..399")
    for seed in range(400):
        head = AnalogHead(config, Faults(query_skew_cycles=1.5), np.random.default_rng(seed))
        for array in (head.k, head.v):
            head.write_all(array, one, cycle=0)
        head.reset_scores(0)
        head.reset_outputs(0)
        head.integrate_scores(0, np.array([10]), cycle=0)
        head.integrate_outputs(0, 0, config.pulse_cycles, cycle=0)
        widths.append(head.convert(0)[0][0, 0] / config.readout_max * 3 * config.pulse_cycles)
    widths = np.array(widths)
    assert abs(widths.mean() - 10) < 5 * 1.5 / math.sqrt(400)
    assert abs(widths.std() - 1.5) < 5 * 1.5 / math.sqrt(800)


def test_each_bank_has_converters_of_its_own():
    config = HeadConfig(**GEOMETRIES["odd sizes"].fields_set() | {"schedule": "paired"})
    print("seed 100")
    head = AnalogHead(config, Faults(comparator_offset=0.1), np.random.default_rng(100))
    for array in (head.k, head.v):
        head.write_all(array, np.full(config.head_dim, 5), cycle=0)
    codes = {}
    for k_bank, v_bank in ((0, 0), (1, 0), (0, 1)):
        head.reset_scores(k_bank)
        head.reset_outputs(v_bank)
        head.integrate_scores(k_bank, np.full(config.head_dim, 3), cycle=0)
        head.integrate_outputs(k_bank, v_bank, config.pulse_cycles, cycle=0)
        codes[k_bank, v_bank] = head.convert(v_bank)[0]
    assert (codes[1, 0] != codes[0, 0]).any()
    assert (codes[0, 1] != codes[0, 0]).any()


@pytest.mark.parametrize("name", LARGE)
def test_each_fault_alone_reaches_the_answers(name):
    codes = random_codes(CONFIG, TOKENS, seed=96)
    ideal = attend(**codes, config=CONFIG)
    assert_covers(ideal)
    y_code, _ = run_arrays(**codes, config=CONFIG, faults=Faults(**{name: LARGE[name]}))
    assert (y_code != ideal).any()
    assert np.abs(y_code).max() <= CONFIG.result_max


@pytest.mark.parametrize("geometry", ["strong leak", "paired, slow steps", "own polynomial"])
def test_all_faults_together_run_and_the_same_seed_repeats_them(geometry):
    config = GEOMETRIES[geometry]
    codes = random_codes(config, TOKENS, seed=97)
    small = Faults(**{name: size / 10 for name, size in LARGE.items()})

    def run(seed: int) -> np.ndarray:
        return run_arrays(**codes, config=config, faults=small, rng=np.random.default_rng(seed))[0]

    y_code = run(1)
    assert_covers(y_code)
    np.testing.assert_array_equal(run(1), y_code)
    assert (run(2) != y_code).any()
    ideal = attend(**codes, config=config)
    assert (y_code != ideal).any()
    assert np.corrcoef(y_code.ravel(), ideal.ravel())[0, 1] > 0.5


@pytest.mark.parametrize("name", LARGE)
def test_a_vanishing_fault_changes_nothing(name):
    """A fault of 1e-12 takes the faulty path and must arrive at the ideal answer."""
    codes = random_codes(CONFIG, TOKENS, seed=98)
    y_code, _ = run_arrays(**codes, config=CONFIG, faults=Faults(**{name: 1e-12}))
    np.testing.assert_array_equal(y_code, attend(**codes, config=CONFIG))
