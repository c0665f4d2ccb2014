"""The pulse and sign wires that the arrays give back, cycle by cycle."""

import numpy as np
import pytest
from driven_wires import at_interval, clear_cycles, in_one_run, one_after_the_other, play
from token_codes import GEOMETRIES, assert_covers, random_codes

from gaincell.behavioral.attention import attend_in_detail
from gaincell.behavioral.pins import ArrayPins, Wires
from gaincell.config import HeadConfig

NAMES = ["odd sizes, one sink token", "paired, slow steps", "q3 k5 v2 out8 bits"]


def bits_of(wire: int, config: HeadConfig) -> np.ndarray:
    """A packed wire as (tiles, D) bits, sub-tile 0 and dimension 0 lowest."""
    flat = [wire >> place & 1 for place in range(config.tiles * config.head_dim)]
    return np.array(flat).reshape(config.tiles, config.head_dim)


class Listener:
    """Pulse and sign wires of every cycle of a run, (cycles, tiles, D)."""

    def __init__(self, config: HeadConfig) -> None:
        self.config = config
        self.seen: list[tuple[np.ndarray, np.ndarray]] = []

    def __call__(self, pins: ArrayPins) -> None:
        pulse, sign = pins.outputs()
        self.seen.append((bits_of(pulse, self.config), bits_of(sign, self.config)))

    @property
    def pulses(self) -> np.ndarray:
        return np.array([pulse for pulse, _ in self.seen])

    @property
    def signs(self) -> np.ndarray:
        return np.array([sign for _, sign in self.seen])


def output_starts(config: HeadConfig, tokens: int, interval: int) -> list[int]:
    launch = config.timing.clear_cycles - 1
    return [launch + token * interval + config.timing.out.start for token in range(tokens)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("schedule", ["overlapped", "paired"])
def test_each_pulse_is_high_from_the_start_for_as_many_cycles_as_its_code(name, schedule):
    config = HeadConfig(**GEOMETRIES[name].fields_set() | {"schedule": schedule})
    codes = random_codes(config, 12, seed=51)
    listener = Listener(config)
    interval = config.interval_cycles
    play(at_interval(**codes, config=config, interval=interval), config, watch=listener)
    expected = attend_in_detail(**codes, config=config).tile_code
    assert_covers(expected.sum(axis=1))
    rest = listener.pulses.copy()
    samples = np.arange(config.readout_max)[:, None, None]
    for token, start in enumerate(output_starts(config, 12, interval)):
        phase = slice(start, start + config.readout_max)
        wanted = samples < np.abs(expected[token])
        np.testing.assert_array_equal(listener.pulses[phase], wanted)
        rest[phase] = 0
    assert not rest.any(), "a pulse outside an output phase"


@pytest.mark.parametrize("name", NAMES)
def test_signs_hold_from_the_start_until_sync_stages_after_the_phase(name):
    config = GEOMETRIES[name]
    codes = random_codes(config, 12, seed=52)
    listener = Listener(config)
    interval = config.interval_cycles
    play(at_interval(**codes, config=config, interval=interval), config, watch=listener)
    expected = attend_in_detail(**codes, config=config).tile_code
    for token, start in enumerate(output_starts(config, 12, interval)):
        negative = expected[token] < 0
        certain = expected[token] != 0
        for sign in listener.signs[start : start + config.readout_max + config.sync_stages]:
            np.testing.assert_array_equal(sign[certain], negative[certain])


@pytest.mark.parametrize("sync_stages", [1, 2])
def test_signs_outside_their_hold_are_garbage(sync_stages):
    """40 signs that agree by chance in the first cycle too late: once in 2^40."""
    config = HeadConfig(head_dim=8, window=20, columns=4, sync_stages=sync_stages)
    codes = random_codes(config, 3, seed=53)
    tokens = one_after_the_other(**codes, config=config)
    listener = Listener(config)
    idle = [Wires()] * 40
    play(clear_cycles(config) + tokens[0] + idle, config, watch=listener)
    held = config.timing.clear_cycles - 1 + config.timing.out.end + sync_stages
    phase = listener.signs[held - 1]
    np.testing.assert_array_equal(phase, listener.signs[held - sync_stages - 1])
    assert (listener.signs[held] != phase).any()
    early = listener.signs[config.timing.clear_cycles - 2 + config.timing.out.start]
    assert (early != phase).any()


def test_pulses_end_with_a_phase_that_the_control_cuts_short():
    config = GEOMETRIES["odd sizes"]
    codes = random_codes(config, 12, seed=55)
    tokens = one_after_the_other(**codes, config=config)
    half = config.timing.out.start + 4
    for cycle in range(half, config.timing.out.end):
        tokens[-1][cycle - 1] = tokens[-1][cycle - 1]._replace(v_convert=0)
    listener = Listener(config)
    play(in_one_run(tokens, config), config, watch=listener)
    cut = len(listener.seen) - len(tokens[-1]) + half - 1
    assert (attend_in_detail(**codes, config=config).tile_code[-1] > 4).any()
    assert listener.pulses[cut - 1].any()
    assert not listener.pulses[cut:].any()


def test_a_sign_sampled_a_cycle_too_late_gives_a_wrong_answer():
    config = GEOMETRIES["odd sizes"]
    codes = random_codes(config, 12, seed=54)
    listener = Listener(config)
    interval = config.interval_cycles
    cycles = [*at_interval(**codes, config=config, interval=interval), Wires()]
    play(cycles, config, watch=listener)
    expected = attend_in_detail(**codes, config=config).tile_code

    def answers(delay: int) -> np.ndarray:
        y_code = []
        for start in output_starts(config, 12, interval):
            end = start + config.readout_max
            magnitude = listener.pulses[start:end].sum(axis=0)
            sign = listener.signs[end - 1 + config.sync_stages + delay]
            y_code.append(np.where(sign, -magnitude, magnitude).sum(axis=0))
        return np.array(y_code)

    np.testing.assert_array_equal(answers(delay=0), expected.sum(axis=1))
    assert (answers(delay=1) != expected.sum(axis=1)).any()
