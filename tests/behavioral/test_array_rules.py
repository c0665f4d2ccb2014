"""Rules that ArrayPins enforces at once: the bug is planted in good wires, the error names it."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from driven_wires import at_interval, in_one_run, one_after_the_other, play
from grids import rest_slow
from token_codes import GEOMETRIES, NAMED, assert_covers, random_codes

from gaincell.behavioral.attention import attend
from gaincell.behavioral.pins import ElectricalError, Wires, WritePort
from gaincell.config import HeadConfig

CONFIG = HeadConfig(
    head_dim=3,
    window=4,
    columns=2,
    sink=1,
    schedule="paired",
    score_saturation=5.0,
    output_saturation=5.0,
)
TIMING = CONFIG.timing
TOKENS = 8
SPOILT = 5


def run_with(change: Callable[[list[Wires]], None]) -> tuple[np.ndarray, np.ndarray]:
    """Outputs with ``change`` made to the wires of one token, and outputs without."""
    codes = random_codes(CONFIG, TOKENS, seed=21)
    tokens = one_after_the_other(**codes, config=CONFIG)
    change(tokens[SPOILT])
    y_code, _ = play(in_one_run(tokens, CONFIG), CONFIG)
    return y_code, attend(**codes, config=CONFIG)


def put(cycle: int, **wires: object) -> Callable[[list[Wires]], None]:
    """A change of some wires in one cycle of the token."""

    def change(cycles: list[Wires]) -> None:
        cycles[cycle - 1] = cycles[cycle - 1]._replace(**wires)

    return change


def raises_in(cycle: int, reason: str):
    """Expect the error of the token's ``cycle`` and no other words than ``reason``."""
    token_cycles = TIMING.out.end + CONFIG.sync_stages - 1
    seen = TIMING.clear_cycles + SPOILT * token_cycles + cycle - 1
    return pytest.raises(ElectricalError, match=f"^cycle {seen}: {re.escape(reason)}$")


def test_good_wires_give_the_answers_of_attend():
    y_code, expected = run_with(lambda cycles: None)
    assert_covers(expected)
    np.testing.assert_array_equal(y_code, expected)


@pytest.mark.parametrize("array", ["K", "V"])
@pytest.mark.parametrize("broadcast", [0, 1])
@pytest.mark.parametrize("gap", [0, 1, 2])
def test_wants_a_write_enable_low_between_two_writes(array, broadcast, gap):
    name = array.lower()
    before = CONFIG.write_cycles + 2
    span = getattr(TIMING, f"{name}_write")
    end = before + span.start - 1 - gap

    def put_a_write_before(cycles: list[Wires]) -> None:
        cycles[:0] = [Wires()] * before
        for cycle in range(end - CONFIG.write_cycles, end):
            cycles[cycle] = cycles[cycle]._replace(**{name: WritePort(1, broadcast, 0, 1, 0)})

    if gap:
        run_with(put_a_write_before)
    else:
        reason = f"the {array} write enable stays high from one write into the next"
        with raises_in(before + span.start, reason):
            run_with(put_a_write_before)


@pytest.mark.parametrize("name", ["k", "v"])
@pytest.mark.parametrize(
    ("tile", "column"), [(0, 2), (1, 3), (3, 0), (2, 1)], ids=["N", "above N", "tile", "sink"]
)
def test_rejects_a_write_to_a_column_that_does_not_exist(name, tile, column):
    span = TIMING.k_write if name == "k" else TIMING.v_write
    reason = f"{name.upper()} write to sub-tile {tile}, column {column}, which does not exist"
    with raises_in(span.start, reason):
        run_with(put(span.start, **{name: WritePort(1, 0, tile, column, 0)}))


@pytest.mark.parametrize("cycle", [TIMING.qk.start, TIMING.qk.end - 1])
@pytest.mark.parametrize("broadcast", [0, 1])
def test_rejects_a_k_write_during_qk(cycle, broadcast):
    with raises_in(cycle, "the K array is written while it is read"):
        run_with(put(cycle, k=WritePort(1, broadcast, 1, 1, 5)))


@pytest.mark.parametrize("cycle", [TIMING.av.start, TIMING.av.end - 1])
@pytest.mark.parametrize("broadcast", [0, 1])
def test_rejects_a_v_write_during_av(cycle, broadcast):
    with raises_in(cycle, "the V array is written while it is read"):
        run_with(put(cycle, v=WritePort(1, broadcast, 1, 1, 5)))


@pytest.mark.parametrize(
    ("cycle", "wire"),
    [
        (TIMING.qk.start + 3, "k_integrate"),
        (TIMING.av.start + 3, "k_convert"),
        (TIMING.av.start + 3, "v_integrate"),
        (TIMING.out.start + 3, "v_convert"),
    ],
)
def test_rejects_both_banks_at_once(cycle, wire):
    with raises_in(cycle, f"both banks drive {wire} at once"):
        run_with(put(cycle, **{wire: 0b11}))


def test_resets_both_banks_at_once():
    y_code, expected = run_with(put(TIMING.k_reset.start, k_reset=0b11))
    np.testing.assert_array_equal(y_code, expected)


@pytest.mark.parametrize(
    ("cycle", "wire", "integrator"),
    [
        (TIMING.qk.start, "k_reset", "K"),
        (TIMING.qk.end - 1, "k_reset", "K"),
        (TIMING.av.end - 1, "k_reset", "K"),
        (TIMING.av.end - 1, "k_integrate", "K"),
        (TIMING.av.start, "v_reset", "V"),
        (TIMING.out.end - 1, "v_reset", "V"),
    ],
)
def test_rejects_an_integrator_used_for_two_things_at_once(cycle, wire, integrator):
    with raises_in(cycle, f"a {integrator} integrator is used twice at once"):
        run_with(put(cycle, **{wire: 1}))


def test_rejects_a_v_integrator_that_integrates_while_it_converts():
    cycle = TIMING.out.end - 1
    with raises_in(cycle, "a V integrator is used twice at once"):
        run_with(put(cycle, v_integrate=1, k_convert=0b10))


@pytest.mark.parametrize(
    "cycle", [1, TIMING.qk.start - 1, TIMING.qk.end, TIMING.av.end - 1, TIMING.out.end]
)
def test_rejects_query_pulses_outside_qk(cycle):
    reason = "query pulses outside an integrate window of the K integrators"
    with raises_in(cycle, reason):
        run_with(put(cycle, query=0b100))


@pytest.mark.parametrize(
    ("cycle", "wires"),
    [
        (TIMING.av.start, {"v_integrate": 0}),
        (TIMING.av.end - 1, {"v_integrate": 0}),
        (TIMING.av.start, {"k_convert": 0}),
        (TIMING.av.end - 1, {"k_convert": 0}),
        (TIMING.av.end, {"k_convert": 1}),
        (TIMING.av.start - 1, {"k_integrate": 0, "k_convert": 1, "query": 0}),
        (TIMING.av.start + 4, {"k_convert": 0b10}),
        (TIMING.av.start + 4, {"v_integrate": 0b10}),
    ],
)
def test_rejects_phi_pulses_that_do_not_coincide_with_the_v_window(cycle, wires):
    with raises_in(cycle, "phi pulses and the V integrators' window do not coincide"):
        run_with(put(cycle, **wires))


BOUND_BY_CHARGE = [
    ("overlapped", "odd sizes", "a K integrator is used twice at once"),
    ("paired", "odd sizes", "the K array is written while it is read"),
    ("overlapped", "q5 k7 v3 out6 bits", "a V integrator is used twice at once"),
]


@pytest.mark.parametrize(("schedule", "name", "reason"), BOUND_BY_CHARGE)
def test_rejects_tokens_one_cycle_closer_than_the_interval(schedule, name, reason):
    config = HeadConfig(**GEOMETRIES[name].fields_set() | {"schedule": schedule})
    codes = random_codes(config, 4, seed=22)
    with pytest.raises(ElectricalError, match=reason):
        play(at_interval(**codes, config=config, interval=config.interval_cycles - 1), config)


@pytest.mark.parametrize("schedule", ["overlapped", "paired"])
@pytest.mark.parametrize("name", rest_slow(GEOMETRIES, NAMED))
def test_accepts_tokens_at_the_interval(schedule, name):
    config = HeadConfig(**GEOMETRIES[name].fields_set() | {"schedule": schedule})
    codes = random_codes(config, 2 * config.window + 20, seed=23)
    cycles = at_interval(**codes, config=config, interval=config.interval_cycles)
    y_code, pins = play(cycles, config)
    assert_covers(y_code)
    np.testing.assert_array_equal(y_code, attend(**codes, config=config))
    np.testing.assert_array_equal(y_code, attend(**codes, config=config, events=pins.events))
