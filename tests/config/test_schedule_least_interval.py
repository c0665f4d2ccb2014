"""The initiation interval against a scheduler that tries intervals and marks cycles."""

import itertools
import random

import pytest

from gaincell.config import HeadConfig

TOKENS = 9


def random_configs(seed: int, count: int) -> list[HeadConfig]:
    """Configs of all proportions between writes, resets, pulses and outputs."""
    rng = random.Random(seed)
    return [
        HeadConfig(
            query_bits=rng.randint(1, 5),
            readout_bits=rng.randint(1, 5),
            step_cycles=rng.choice([1, 1, 2, 3]),
            write_cycles=rng.choice([1, 2, 3, 5, 10, 17, 30]),
            reset_cycles=rng.choice([1, 2, 3, 7, 20]),
            sync_stages=rng.choice([1, 2]),
            late_cycles=rng.choice([0, 0, 1, 5]),
            schedule=rng.choice(["overlapped", "paired"]),
        )
        for _ in range(count)
    ]


def cycles_used(config: HeadConfig) -> dict[str, tuple[set[int], bool]]:
    """Cycles after the accept in which each resource is held, and whether there may be two of it.

    Laid out by hand from the phases of the contract: K write and reset end where QK begins, AV
    follows QK, V write and reset end where AV begins, OUT follows AV.
    """
    pulse = config.step_cycles * (2**config.query_bits - 1)
    qk = 1 + max(config.write_cycles, config.reset_cycles)
    av = qk + pulse
    out = av + pulse
    done = out + config.late_cycles + 2**config.readout_bits - 1
    k_write = range(qk - config.write_cycles, qk)
    v_write = range(av - config.write_cycles, av)
    return {
        "codes in the token registers": (set(range(1, av)), False),
        "K array": ({*k_write, *range(qk, av)}, False),
        "V array": ({*v_write, *range(av, out)}, False),
        "K integrator": (set(range(qk - config.reset_cycles, out)), True),
        "V integrator": (set(range(av - config.reset_cycles, done)), True),
        "readout": (set(range(out, done + 2)), False),
    }


def collides(config: HeadConfig, interval: int) -> bool:
    """Whether any of many tokens, ``interval`` cycles apart, finds a resource taken."""
    used = cycles_used(config)
    taken = set()
    for token in range(TOKENS):
        bank = token % 2 if config.schedule == "paired" else 0
        for name, (cycles, doubled) in used.items():
            for cycle in cycles:
                place = (name, bank if doubled else 0, token * interval + cycle)
                if place in taken:
                    return True
                taken.add(place)
    return False


def least_interval(config: HeadConfig) -> int:
    return next(tried for tried in itertools.count(1) if not collides(config, tried))


@pytest.mark.parametrize("seed", range(10))
def test_interval_is_the_least_without_double_use(seed):
    print(f"seed {seed}")
    for config in random_configs(seed, 30):
        assert config.interval_cycles == least_interval(config), config


def test_random_configs_are_bound_by_every_kind_of_resource():
    bounds = set()
    for config in itertools.chain.from_iterable(random_configs(seed, 30) for seed in range(10)):
        waits = {
            name: -(-len(cycles) // (2 if doubled and config.schedule == "paired" else 1))
            for name, (cycles, doubled) in cycles_used(config).items()
        }
        most = max(waits.values())
        bounds |= {name for name, wait in waits.items() if wait == most}
    assert bounds == set(cycles_used(HeadConfig()))


@pytest.mark.parametrize("seed", range(10, 12))
def test_phases_follow_one_another_without_a_gap(seed):
    print(f"seed {seed}")
    for config in random_configs(seed, 30):
        timing = config.timing
        pulse = config.step_cycles * (2**config.query_bits - 1)
        assert timing.k_write.end == timing.k_reset.end == timing.qk.start
        assert timing.v_write.end == timing.v_reset.end == timing.av.start == timing.qk.end
        assert timing.av.end == timing.out.start
        assert timing.k_write.cycles == timing.v_write.cycles == config.write_cycles
        assert timing.k_reset.cycles == timing.v_reset.cycles == config.reset_cycles
        assert timing.qk.cycles == timing.av.cycles == pulse
        assert timing.out.cycles == config.late_cycles + 2**config.readout_bits - 1
        assert timing.sampled.end == timing.out.end
        assert timing.sampled.cycles == 2**config.readout_bits - 1
        assert min(timing.k_write.start, timing.k_reset.start) == 1
        assert timing.v_write.start >= 1
        assert timing.v_reset.start >= 1
        assert timing.clear_cycles == config.write_cycles + 1
        assert timing.banks == (2 if config.schedule == "paired" else 1)


@pytest.mark.parametrize("schedule", ["sequential", "overlapped", "paired"])
def test_result_places_just_suffice_for_a_token_every_interval(schedule):
    """A place is taken from the accept through the cycle in which its result is handed over."""
    seed = 12
    print(f"seed {seed}")
    for config in random_configs(seed, 30):
        config = HeadConfig(**config.fields_set() | {"schedule": schedule})
        accepts = range(0, 40 * config.interval_cycles, config.interval_cycles)
        held = [range(accept, accept + config.latency_cycles + 1) for accept in accepts]
        last = accepts[-1]
        most = max(sum(cycle in place for place in held) for cycle in range(last + 1))
        assert config.timing.result_places == most


@pytest.mark.parametrize("seed", range(13, 15))
def test_one_token_at_a_time_waits_for_its_result(seed):
    print(f"seed {seed}")
    for config in random_configs(seed, 30):
        overlapped = HeadConfig(**config.fields_set() | {"schedule": "overlapped"})
        sequential = HeadConfig(**config.fields_set() | {"schedule": "sequential"})
        assert sequential.interval_cycles == sequential.latency_cycles + 1
        assert sequential.timing.result_places == 1
        assert sequential.latency_cycles <= overlapped.latency_cycles
        sampled = sequential.timing.out.end - 1 + config.sync_stages
        assert sequential.latency_cycles > sampled


@pytest.mark.parametrize("seed", range(15, 18))
def test_arrays_may_be_written_again_as_soon_as_both_have_been_read(seed):
    """A write launched at ``arrays_cycles`` meets no read, one launched a cycle earlier does."""
    print(f"seed {seed}")
    for config in random_configs(seed, 30):
        timing = config.timing
        meets = []
        for launch in (timing.arrays_cycles - 1, timing.arrays_cycles):
            k_write, v_write = (
                {launch + cycle for cycle in range(span.start, span.end)}
                for span in (timing.k_write, timing.v_write)
            )
            qk = set(range(timing.qk.start, timing.qk.end))
            av = set(range(timing.av.start, timing.av.end))
            meets.append(bool(k_write & qk or v_write & av))
        assert meets == [True, False]
        assert timing.arrays_cycles <= config.interval_cycles


def test_resources_say_who_binds_the_default():
    waits = {resource.name: resource.interval_cycles for resource in HeadConfig().timing.resources}
    assert max(waits, key=waits.get) == "K integrator"
    assert waits["K integrator"] == waits["V integrator"] == 32
    paired = HeadConfig(schedule="paired").timing.resources
    waits = {resource.name: resource.interval_cycles for resource in paired}
    assert waits["K array"] == waits["V array"] == max(waits.values()) == 25
