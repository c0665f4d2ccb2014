from typing import NamedTuple

import numpy as np
import pytest
from grids import rest_slow

from gaincell.config import READOUT_NAMES, HeadConfig
from gaincell.hdl.readout import READOUTS
from gaincell.schedule import READOUT_DRAIN_CYCLES

GRID = [
    # tiles, dims, readout_bits, sync_stages
    (1, 1, 1, 1),
    (1, 1, 1, 2),
    (1, 3, 4, 1),
    (2, 1, 2, 2),
    (2, 5, 3, 1),
    (3, 3, 1, 1),
    (3, 2, 5, 2),
    (5, 4, 4, 2),
    (5, 1, 6, 1),
    (16, 3, 4, 1),
    (17, 2, 2, 1),
    (17, 3, 3, 2),
    (2, 2, 7, 1),
    (3, 1, 8, 2),
]


class Phase(NamedTuple):
    """An output phase from cycle ``start``: pulse lengths and signs (tiles, D).

    A pulse of length 0 may well have a sign.
    """

    start: int
    magnitude: np.ndarray
    negative: np.ndarray

    @property
    def total(self):
        return np.where(self.negative, -self.magnitude, self.magnitude).sum(axis=0)


def config_of(tiles, dims, readout_bits, sync_stages):
    """A head whose last sub-tile is the sink's, if it has two or more."""
    sink = int(tiles > 1)
    return HeadConfig(
        head_dim=dims,
        window=tiles - sink,
        columns=1,
        sink=sink,
        readout_bits=readout_bits,
        sync_stages=sync_stages,
    )


def random_phase(start, config, rng):
    shape = (config.tiles, config.head_dim)
    return Phase(
        start, rng.integers(0, config.readout_max + 1, shape), rng.integers(0, 2, shape) > 0
    )


def done_cycle(phase, config):
    return phase.start + config.readout_max + config.sync_stages + 1


def play(simulate, dut, phases, cycles, rng, reset_at=None):
    """Play ``phases``; record done (cycles,) and total (cycles, D).

    Pulses are low outside a phase. Signs are random, except from a phase's first cycle until
    ``sync_stages`` cycles after its last. A reset ends a phase.
    """
    config = dut.config
    shape = (cycles, config.tiles, config.head_dim)
    converting, pulse = np.zeros(cycles, dtype=bool), np.zeros(shape, dtype=bool)
    sign = rng.integers(0, 2, shape)
    for start, magnitude, negative in phases:
        end = start + config.readout_max
        if reset_at is not None and start <= reset_at:
            end = min(end, reset_at + 1)
        converting[start:end] = True
        pulse[start:end] = magnitude > np.arange(end - start)[:, None, None]
        sign[start : end + config.sync_stages] = negative
    done, total = np.zeros(cycles, dtype=bool), np.zeros((cycles, config.head_dim), dtype=int)

    async def testbench(ctx, reset):
        for cycle in range(cycles):
            ctx.set(reset, int(cycle == reset_at))
            ctx.set(dut.converting, int(converting[cycle]))
            ctx.set(dut.pulse, packed(pulse[cycle]))
            ctx.set(dut.sign, packed(sign[cycle]))
            done[cycle] = ctx.get(dut.done)
            total[cycle] = signed_numbers(ctx.get(dut.total), config)
            await ctx.tick()

    simulate(dut, testbench)
    return done, total


def packed(wires):
    """Wires (tiles, D) as one number, sub-tile 0 and dimension 0 lowest."""
    return sum(int(bit) << place for place, bit in enumerate(wires.ravel()))


def signed_numbers(planes, config):
    """Numbers (D,) whose bit planes are packed in ``planes``."""
    dims, width = config.head_dim, config.result_width
    bits = np.array([planes >> place & 1 for place in range(width * dims)]).reshape(width, dims)
    weights = 1 << np.arange(width)
    weights[-1] *= -1
    return weights @ bits


def check(done, total, phases, config):
    """``done`` is high exactly when due, and each total holds until new samples arrive."""
    due = [done_cycle(phase, config) for phase in phases]
    assert np.flatnonzero(done).tolist() == due
    changes = [phase.start + config.sync_stages for phase in phases[1:]]
    for phase, start, end in zip(phases, due, [*changes, done.size], strict=True):
        held = total[start:end]
        assert len(held) > 0
        assert (held == phase.total).all(), f"phase at {phase.start}"


@pytest.fixture(params=READOUT_NAMES)
def readout(request):
    return READOUTS[request.param]


def test_every_readout_of_the_config_has_a_component():
    assert tuple(READOUTS) == READOUT_NAMES


@pytest.mark.parametrize("size", rest_slow(GRID, 6))
def test_sums_signed_pulses_of_phases_that_follow_as_soon_as_they_may(readout, size, simulate, rng):
    config = config_of(*size)
    period = config.readout_max + READOUT_DRAIN_CYCLES
    phases = [random_phase(1 + period * place, config, rng) for place in range(6)]
    done, total = play(simulate, readout(config), phases, 8 * period + 8, rng)
    check(done, total, phases, config)


@pytest.mark.parametrize("size", rest_slow(GRID[::3], 2))
def test_sums_phases_with_idle_cycles_between(readout, size, simulate, rng):
    config = config_of(*size)
    phases, start = [], 3
    for _ in range(6):
        phases.append(random_phase(start, config, rng))
        start += config.readout_max + READOUT_DRAIN_CYCLES + int(rng.integers(0, 7))
    done, total = play(simulate, readout(config), phases, start + 10, rng)
    check(done, total, phases, config)


@pytest.mark.parametrize("size", rest_slow(GRID, 6))
def test_reaches_full_scale_both_ways_and_zero(readout, size, simulate, rng):
    config = config_of(*size)
    shape, n = (config.tiles, config.head_dim), config.readout_max
    period = n + READOUT_DRAIN_CYCLES
    full, none = np.full(shape, n), np.zeros(shape, dtype=int)
    plus, minus = np.zeros(shape, dtype=bool), np.ones(shape, dtype=bool)
    sequence = [(full, plus), (full, minus), (none, plus), (none, minus), (full, minus)]
    phases = [Phase(2 + period * place, *codes) for place, codes in enumerate(sequence)]
    done, total = play(simulate, readout(config), phases, 6 * period + 8, rng)
    check(done, total, phases, config)
    assert abs(total[done]).max() == config.result_max


@pytest.mark.parametrize("sync_stages", [1, 2])
def test_a_phase_that_comes_a_cycle_too_early_spoils_the_sum_before(sync_stages, simulate, rng):
    config = config_of(5, 3, 3, sync_stages)
    period = config.readout_max + READOUT_DRAIN_CYCLES - 1
    phases = [random_phase(1 + period * place, config, rng) for place in range(6)]
    _, total = play(simulate, READOUTS["popcount"](config), phases, 8 * period + 8, rng)
    right = [(total[done_cycle(phase, config)] == phase.total).all() for phase in phases]
    assert not any(right[:-1])


@pytest.mark.parametrize("sync_stages", [1, 2])
@pytest.mark.parametrize("cycles_into_phase", range(12))
def test_reset_abandons_the_phase(readout, cycles_into_phase, sync_stages, simulate, rng):
    """Sampling flops, sums and counts keep what they held, here as many ones as can be."""
    config = config_of(3, 2, 3, sync_stages)
    reset_at = 2 + cycles_into_phase
    assert reset_at <= done_cycle(Phase(2, 0, 0), config) + 2
    full = np.full((config.tiles, config.head_dim), config.readout_max)
    abandoned = random_phase(2, config, rng)._replace(magnitude=full)
    phases = [
        random_phase(start, config, rng)
        for start in (reset_at + 1 + sync_stages, reset_at + 20 + sync_stages)
    ]
    dut = readout(config)
    done, total = play(simulate, dut, [abandoned, *phases], reset_at + 50, rng, reset_at)
    # A phase that ends before the reset may be done in its very cycle.
    check(done[reset_at + 1 :], total[reset_at + 1 :], shifted(phases, reset_at + 1), config)


def shifted(phases, cycles):
    return [phase._replace(start=phase.start - cycles) for phase in phases]


def test_is_not_done_without_a_phase(readout, simulate, rng):
    done, _ = play(simulate, readout(config_of(2, 3, 2, 1)), [], 30, rng)
    assert not done.any()
