"""Reads that take a short cut say what every cell says, one by one."""

import numpy as np
import pytest

from gaincell.behavioral.cells import cell_array
from gaincell.behavioral.cells.cell_array import CellArray
from gaincell.behavioral.faults import Faults
from gaincell.config import PRESETS, HeadConfig

GPT2 = PRESETS["gpt2"]
ODD = HeadConfig(head_dim=3, window=12, columns=4, sink=2, key_bits=2, value_bits=5)
OFF_CENTRE = HeadConfig(
    head_dim=3, window=8, columns=4, cell=(-0.25, 9.0, 1.5, -4.0), full_scale_v=1.2, center_v=0.5
)
WIDE = HeadConfig(head_dim=64, window=64, key_bits=8, value_bits=8)
DECAY = 0.97


def written(name, config, groups=None, faults=None):
    """An array whose columns are of different ages, and the voltages in it."""
    rng = np.random.default_rng(5)
    array = CellArray(name, config, faults or Faults(), rng, groups)
    lead = () if groups is None else (groups,)
    codes = rng.integers(0, array.code_max + 1, (*lead, array.slots, config.head_dim))
    codes[..., 0, :], codes[..., 1, :] = 0, array.code_max
    for slot in range(array.slots):
        array.clock = slot
        array.write(slice(slot, slot + 1), codes[..., slot, :])
    array.clock = array.slots + 2
    return array, codes * config.full_scale_v / array.code_max


def charges(volts, config, slots):
    """The charge of a full pulse on every cell, by the polynomial itself."""
    age = slots + 2 - np.arange(slots)
    centred = (volts - config.center_v) * DECAY ** age[:, None]
    return np.polynomial.polynomial.polyval(centred, config.cell_coefficients)


@pytest.mark.parametrize("groups", [None, 3])
@pytest.mark.parametrize(
    "config", [GPT2, ODD, OFF_CENTRE, WIDE], ids=["gpt2", "odd", "off", "wide"]
)
@pytest.mark.parametrize("whole", [True, False])
def test_scores_are_those_of_the_cells_one_by_one(config, groups, whole):
    array, volts = written("K", config, groups)
    rng = np.random.default_rng(6)
    lead = () if groups is None else (groups,)
    cycles = rng.integers(0, config.pulse_cycles + 1, (*lead, config.head_dim))
    if not whole:
        cycles = cycles + rng.random(cycles.shape)
    drive = cycles / config.pulse_cycles
    expected = (charges(volts, config, array.slots) * drive[..., None, :]).sum(axis=-1)
    size = np.abs(charges(volts, config, array.slots)).sum(axis=-1).max()
    np.testing.assert_allclose(
        array.read_columns(cycles, DECAY, config.pulse_cycles),
        expected,
        rtol=1e-12,
        atol=1e-13 * size,
    )


@pytest.mark.parametrize("groups", [None, 3])
@pytest.mark.parametrize("config", [GPT2, ODD], ids=["gpt2", "odd"])
@pytest.mark.parametrize("places", [[], [0], [3, 4, 2]])
def test_columns_that_a_write_of_all_left_alike_are_read_as_one(config, groups, places):
    """They say what they say when every column is read for itself."""
    lead = () if groups is None else (groups,)
    rng = np.random.default_rng(9)
    array, _ = written("K", config, groups)
    stored, codes = config.stored_columns, rng.integers(0, array.code_max + 1, (*lead, 4, 1))
    codes = codes + np.zeros(config.head_dim, dtype=np.int64)
    array.write(slice(stored), codes[..., 3, :])
    assert array.different() == 1
    for place, own in zip(places, np.moveaxis(codes, -2, 0), strict=False):
        array.clock += 3
        array.write(slice(place, place + 1), own)
    assert array.different() == max(places, default=-1) + 2
    cycles = rng.integers(0, config.pulse_cycles + 1, (*lead, config.head_dim))
    quick = array.read_columns(cycles, DECAY, config.pulse_cycles)
    array.alike_from = array.slots
    whole = array.read_columns(cycles, DECAY, config.pulse_cycles)
    assert np.array_equal(quick[..., :stored], whole[..., :stored])


def test_single_precision_is_for_ideal_cells_whose_sums_it_holds():
    kept = {
        name: written("K", config, faults=faults)[0].powers.dtype
        for name, config, faults in (
            ("gpt2", GPT2, None),
            ("off centre", OFF_CENTRE, None),
            ("wide", WIDE, None),
            ("mismatch", GPT2, Faults(gain_mismatch=0.01)),
            ("noisy writes", GPT2, Faults(ktc_noise_v=1e-3)),
            ("curved DACs", GPT2, Faults(dac_inl_lsb=0.1)),
        )
    }
    assert kept.pop("gpt2") == np.float32
    assert set(kept.values()) == {np.dtype(np.float64)}


@pytest.mark.parametrize("groups", [None, 3])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
@pytest.mark.parametrize(
    "config", [GPT2, ODD, OFF_CENTRE, WIDE], ids=["gpt2", "odd", "off", "wide"]
)
def test_outputs_are_those_of_the_cells_one_by_one(config, groups, share):
    array, volts = written("V", config, groups)
    rng = np.random.default_rng(8)
    lead = () if groups is None else (groups,)
    drive = rng.random((*lead, array.slots)) * (rng.random((*lead, array.slots)) < share)
    cells = charges(volts, config, array.slots) * drive[..., None]
    expected = cells.reshape(*lead, config.tiles, config.columns, config.head_dim).sum(axis=-2)
    np.testing.assert_allclose(array.read_tiles(drive, DECAY), expected, rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("faults", [Faults(gain_mismatch=0.1, offset_mismatch=0.1)])
@pytest.mark.parametrize("groups", [None, 3])
@pytest.mark.parametrize("driven", [0, 1, 4])
def test_few_driven_columns_give_what_all_columns_give(driven, groups, faults, monkeypatch):
    config = HeadConfig(head_dim=5, window=60, columns=6, sink=2)
    array, _ = written("V", config, groups, faults)
    rng = np.random.default_rng(7)
    drive = np.zeros(array.slots if groups is None else (groups, array.slots))
    for own in np.atleast_2d(drive):
        own[rng.choice(config.stored_columns, driven, replace=False)] = rng.random(driven)
    few = array.read_tiles(drive, DECAY)
    monkeypatch.setattr(cell_array, "FEW", -1.0)
    np.testing.assert_allclose(few, array.read_tiles(drive, DECAY), rtol=1e-12, atol=1e-13)
    assert few.any() == (driven > 0)


def test_an_unknown_column_is_seen_though_no_pulse_drives_it():
    array, _ = written("V", GPT2)
    array.poison(slice(70, 71))
    drive = np.zeros(array.slots)
    drive[3] = 0.5
    unknown = np.isnan(array.read_tiles(drive, DECAY))
    assert unknown[1].all()
    assert not unknown[[0, *range(2, 16)]].any()
    array.write(slice(70, 71), np.zeros(64, dtype=np.int64))
    assert not np.isnan(array.read_tiles(drive, DECAY)).any()
