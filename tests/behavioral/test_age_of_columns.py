"""No read of a column older than the bound: the arrays count cycles since every column's write."""

import numpy as np
import pytest
from driven_wires import clear_cycles, in_one_run, launches, play, rewrite_cycles
from token_codes import random_codes

from gaincell.behavioral.control import run_arrays
from gaincell.behavioral.pins import ArrayPins, ElectricalError, Wires
from gaincell.config import HeadConfig
from gaincell.schedule import WRITE_GAP_CYCLES

CONFIG = HeadConfig(
    head_dim=3,
    window=4,
    columns=2,
    sink=1,
    retention_s=3e-6,
    refresh=False,
    score_saturation=5.0,
    output_saturation=5.0,
)
"""Columns 0..4 exist; 5, of the sink's sub-tile, does not."""
BOUND = 462
TIMING = CONFIG.timing
CODES = random_codes(CONFIG, 6, seed=141, group=2)
BLANK = np.zeros(3, dtype=int)
SLOTS = range(CONFIG.stored_columns)


class Run:
    """Arrays after the clear of a sequence, with a cycle to set; nothing else has an age yet."""

    def __init__(self, config: HeadConfig = CONFIG, **options: bool) -> None:
        self.config = config
        self.pins = ArrayPins(config, **options)
        self.launches = launches(**CODES, config=config)
        self.cycle = -1
        self.put(clear_cycles(config))
        self.cleared = self.cycle + 1 - WRITE_GAP_CYCLES

    def put(self, cycles: list[Wires]) -> None:
        for wires in [*cycles, Wires()]:
            self.cycle += 1
            self.pins.step(wires, self.cycle)
        self.cycle -= 1

    def put_at(self, cycle: int, cycles: list[Wires]) -> None:
        self.cycle = cycle - 1
        self.put(cycles)

    def read_at(self, array: str, cycle: int, token: int = 0, place: int = 0) -> None:
        """A query of a token whose read of ``array`` begins in ``cycle``."""
        start = TIMING.qk.start if array == "K" else TIMING.av.start
        self.put_at(cycle - start + 1, self.launches[token][place])

    def renew(self, array: str, slots, cycle: int) -> int:
        """Clear slots again, the first write from ``cycle`` on; the end of the last write."""
        for slot in slots:
            blank = {"k_code" if array == "K" else "v_code": BLANK}
            self.put_at(cycle, rewrite_cycles(self.config, slot, **blank)[:-1])
            cycle += CONFIG.write_cycles + 1
        return cycle - 1


def too_old(cycle: int, array: str, age: int, tile: int, column: int):
    return pytest.raises(
        ElectricalError,
        match=f"^cycle {cycle}: {array} array read {age} cycles after sub-tile {tile}, "
        f"column {column} was written, beyond the bound of {BOUND}$",
    )


@pytest.mark.parametrize("age_mode", ["steps", "time"])
@pytest.mark.parametrize("array", ["K", "V"])
def test_reads_at_the_bound_and_not_a_cycle_later(array, age_mode):
    config = HeadConfig(**CONFIG.fields_set() | {"age_mode": age_mode})
    assert config.bound_cycles == BOUND
    other = "V" if array == "K" else "K"
    for late in (0, 1):
        run = Run(config)
        run.renew(other, SLOTS, run.cleared + 200)
        at = run.cleared + BOUND + late
        if not late:
            run.read_at(array, at)
            assert run.pins.oldest_read_cycles[array] == BOUND
            assert run.pins.oldest_read_cycles[other] < BOUND
            continue
        # Token 0 is written into the sink, so column 0 is the first of those left.
        with too_old(at, array, BOUND + 1, 0, 0):
            run.read_at(array, at)


@pytest.mark.parametrize("array", ["K", "V"])
@pytest.mark.parametrize("forgotten", [s for s in SLOTS if s != CONFIG.window])
def test_watches_every_column_empty_ones_too(array, forgotten):
    run = Run()
    run.renew("V" if array == "K" else "K", SLOTS, run.cleared + 200)
    run.renew(array, [slot for slot in SLOTS if slot != forgotten], run.cleared + 300)
    at = run.cleared + BOUND + 1
    with too_old(at, array, BOUND + 1, *divmod(forgotten, CONFIG.columns)):
        run.read_at(array, at)


@pytest.mark.parametrize("array", ["K", "V"])
@pytest.mark.parametrize("late", [0, 1])
def test_a_token_s_column_ages_from_the_end_of_its_own_write(array, late):
    run = Run()
    written = run.cleared + 100
    run.read_at(array, written)  # a token's write ends as its read begins
    run.renew(array, [slot for slot in SLOTS if slot != CONFIG.window], written + 250)
    run.renew("V" if array == "K" else "K", SLOTS, written + 330)
    if late:
        with too_old(written + BOUND + 1, array, BOUND + 1, 2, 0):
            run.read_at(array, written + BOUND + 1, place=1)
    else:
        run.read_at(array, written + BOUND, place=1)
        assert run.pins.oldest_read_cycles[array] == BOUND


@pytest.mark.parametrize("array", ["K", "V"])
def test_a_refresh_makes_a_column_young_again(array):
    run = Run()
    written = run.cleared + 100
    run.read_at(array, written)
    rest = [s for s in SLOTS if s != CONFIG.window]
    data = {"k_code": CODES["k_code"][0], "v_code": CODES["v_code"][0]}
    run.put_at(written + 300, rewrite_cycles(CONFIG, CONFIG.window, **data))
    for each in "KV":
        run.renew(each, rest, written + 350)
    run.read_at(array, written + BOUND + 100, place=1)
    refreshed = written + 300 + CONFIG.write_cycles * (1 if array == "K" else 2)
    age = written + BOUND + 100 - refreshed
    assert run.pins.oldest_read_cycles[array] == max(age, 100)


def test_a_write_cut_short_renews_nothing():
    run = Run()
    run.renew("V", SLOTS, run.cleared + 200)
    run.renew("K", [s for s in SLOTS if s != 3], run.cleared + 300)
    run.put_at(run.cleared + 380, rewrite_cycles(CONFIG, 3, k_code=BLANK)[1:])
    with too_old(run.cleared + BOUND + 1, "K", BOUND + 1, 1, 1):
        run.read_at("K", run.cleared + BOUND + 1)


def test_a_broadcast_makes_every_column_young():
    run = Run()
    run.put_at(5000, clear_cycles(CONFIG))
    run.read_at("K", 5100)
    start = 5000 + CONFIG.write_cycles
    wait = TIMING.av.start - TIMING.qk.start
    assert run.pins.oldest_read_cycles == {"K": 5100 - start, "V": 5100 + wait - start}


def test_without_the_check_the_greatest_age_is_still_recorded():
    run = Run(check_age=False)
    wait = TIMING.av.start - TIMING.qk.start
    assert run.pins.oldest_read_cycles == {"K": 0, "V": 0}
    run.read_at("K", run.cleared + 3 * BOUND)
    assert run.pins.oldest_read_cycles == {"K": 3 * BOUND, "V": 3 * BOUND + wait}
    run.put(clear_cycles(CONFIG))
    run.read_at("K", run.cycle + 100, token=1)
    assert run.pins.oldest_read_cycles == {"K": 3 * BOUND, "V": 3 * BOUND + wait}
    run.pins.forget_pulses_and_log()
    assert run.pins.oldest_read_cycles == {"K": 0, "V": 0}


def test_a_value_that_may_have_any_error_may_have_any_age():
    endless = HeadConfig(
        **CONFIG.fields_set() | {"cell": (-20.0, 9.0), "retention_error": 0.5, "refresh": True}
    )
    assert endless.bound_cycles is None
    run = Run(endless)
    run.read_at("K", 10**12)
    assert run.pins.oldest_read_cycles["K"] == 10**12 - run.cleared


def test_columns_of_a_lasting_cell_are_never_too_old():
    """The bound of the paper's head is far beyond a run of a few tokens."""
    config = HeadConfig(**CONFIG.fields_set() | {"retention_s": 5e-3, "refresh": True})
    tokens = [list(wires) for own in launches(**CODES, config=config) for wires in own]
    _, pins = play(in_one_run(tokens, config), config)
    # The last of twelve queries reads the first token, in the sink, at its oldest.
    assert pins.oldest_read_cycles == dict.fromkeys("KV", 11 * len(tokens[0]))


def test_arrays_under_a_control_without_refresh_run_on():
    """``run_arrays`` answers at ages at which the arrays refuse any other control."""
    codes = random_codes(CONFIG, 40, seed=142)
    y_code, _ = run_arrays(**codes, config=CONFIG)
    assert y_code.shape == (40, 3)
    tokens = [own[0] for own in launches(**codes, config=CONFIG)]
    with pytest.raises(ElectricalError, match="K array read"):
        play(in_one_run(tokens, CONFIG), CONFIG)
