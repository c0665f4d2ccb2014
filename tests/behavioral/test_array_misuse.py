"""Wrong control that breaks no rule at once, and what it does to the answers of the arrays."""

import numpy as np
import pytest
from driven_wires import at_interval, clear_cycles, in_one_run, one_after_the_other, play
from token_codes import GEOMETRIES, assert_covers, random_codes

from gaincell.behavioral.attention import attend
from gaincell.behavioral.pins import ElectricalError, Wires, WritePort, pack_codes, unpack_codes
from gaincell.config import HeadConfig

CONFIG = GEOMETRIES["odd sizes, one sink token"]
TIMING = CONFIG.timing
TOKENS = 30
SPOILT = 24


def wires_of_tokens(seed: int) -> tuple[dict[str, np.ndarray], list[list[Wires]]]:
    codes = random_codes(CONFIG, TOKENS, seed)
    return codes, one_after_the_other(**codes, config=CONFIG)


def answers_to(tokens: list[list[Wires]]) -> np.ndarray:
    return play(in_one_run(tokens, CONFIG), CONFIG)[0]


def replaced(cycles: list[Wires], cycle: int, **wires: object) -> None:
    cycles[cycle - 1] = cycles[cycle - 1]._replace(**wires)


SPOILT_WRITES = {
    "a cycle short at its start": (0, lambda port: WritePort()),
    "a cycle short at its end": (-1, lambda port: WritePort()),
    "enable drops": (5, lambda port: port._replace(enable=0)),
    "a code changes": (5, lambda port: port._replace(code=port.code ^ 1)),
    "the column changes": (5, lambda port: port._replace(column=(port.column + 1) % 7)),
    "the sub-tile changes": (5, lambda port: port._replace(tile=(port.tile + 1) % 3)),
}


@pytest.mark.parametrize("spoiling", SPOILT_WRITES)
@pytest.mark.parametrize("name", ["k", "v"])
def test_cells_of_a_spoilt_write_are_unknown_when_read(name, spoiling):
    place, change = SPOILT_WRITES[spoiling]
    codes, tokens = wires_of_tokens(31)
    span = TIMING.k_write if name == "k" else TIMING.v_write
    cycle = range(span.start, span.end)[place]
    port = getattr(tokens[SPOILT][cycle - 1], name)
    replaced(tokens[SPOILT], cycle, **{name: change(port)})
    at = TIMING.clear_cycles + SPOILT * len(tokens[0]) + TIMING.out.start - 1
    with pytest.raises(ElectricalError, match=rf"^cycle {at}: sub-tiles .* whose write failed$"):
        answers_to(tokens)
    until_read = [*tokens[:SPOILT], tokens[SPOILT][: TIMING.out.start - 1]]
    y_code, _ = play(in_one_run(until_read, CONFIG), CONFIG)
    np.testing.assert_array_equal(y_code, attend(**codes, config=CONFIG)[:SPOILT])


def test_names_the_sub_tiles_that_a_failed_write_reached():
    _, tokens = wires_of_tokens(32)
    tile = (SPOILT % CONFIG.window) // CONFIG.columns
    replaced(tokens[SPOILT], TIMING.v_write.start, v=WritePort())
    with pytest.raises(ElectricalError, match=rf"sub-tiles \[{tile}\] read cells"):
        answers_to(tokens)


def test_a_short_clear_leaves_every_cell_unknown_but_the_sink_tokens():
    _, tokens = wires_of_tokens(33)
    cycles = clear_cycles(CONFIG)[1:] + tokens[0]
    with pytest.raises(ElectricalError, match=r"sub-tiles \[0, 1, 2\] read cells"):
        play(cycles, CONFIG)


def test_a_later_whole_write_heals_a_spoilt_column():
    codes, tokens = wires_of_tokens(34)
    spoilt = WritePort(1, 0, 1, 2, 7)
    short = [Wires(k=spoilt, v=spoilt)] * (CONFIG.write_cycles - 1) + [Wires()]
    y_code, _ = play(short + in_one_run(tokens, CONFIG), CONFIG)
    np.testing.assert_array_equal(y_code, attend(**codes, config=CONFIG))


def test_a_longer_write_is_as_good():
    codes, tokens = wires_of_tokens(35)
    # Token 0's K write begins at cycle 1, so one cycle in front makes it longer.
    tokens[0].insert(0, Wires(k=tokens[0][0].k))
    y_code, _ = play(in_one_run(tokens, CONFIG), CONFIG)
    np.testing.assert_array_equal(y_code, attend(**codes, config=CONFIG))


@pytest.mark.parametrize("wire", ["k_reset", "v_reset"])
@pytest.mark.parametrize("missing", [1, CONFIG.reset_cycles])
def test_a_short_reset_leaves_charge_behind(wire, missing):
    codes, tokens = wires_of_tokens(36)
    span = getattr(TIMING, wire)
    for cycle in range(span.start, span.start + missing):
        replaced(tokens[SPOILT], cycle, **{wire: 0})
    expected = attend(**codes, config=CONFIG)
    assert_covers(expected)
    y_code = answers_to(tokens)
    differs = (y_code != expected).any(axis=1)
    assert np.flatnonzero(differs).tolist() == [SPOILT]


def test_a_longer_reset_is_as_good():
    codes, tokens = wires_of_tokens(37)
    replaced(tokens[SPOILT], TIMING.k_reset.start - 1, k_reset=1)
    replaced(tokens[SPOILT], TIMING.v_reset.start - 1, v_reset=1)
    np.testing.assert_array_equal(answers_to(tokens), attend(**codes, config=CONFIG))


def test_integrates_the_pulses_on_the_wires_wherever_they_lie_in_the_window():
    codes, tokens = wires_of_tokens(38)
    queries = [wires.query for wires in tokens[SPOILT]]
    qk = slice(TIMING.qk.start - 1, TIMING.qk.end - 1)
    queries[qk] = queries[qk][::-1]
    tokens[SPOILT] = [
        wires._replace(query=query) for wires, query in zip(tokens[SPOILT], queries, strict=True)
    ]
    np.testing.assert_array_equal(answers_to(tokens), attend(**codes, config=CONFIG))


def test_a_lost_query_pulse_is_one_code_less():
    codes, tokens = wires_of_tokens(39)
    codes["q_code"][SPOILT] = [15, 3, 0, 8, 1]
    tokens = one_after_the_other(**codes, config=CONFIG)
    replaced(tokens[SPOILT], TIMING.qk.start, query=0)
    codes["q_code"][SPOILT] = [14, 2, 0, 7, 0]
    np.testing.assert_array_equal(answers_to(tokens), attend(**codes, config=CONFIG))


def test_a_shorter_av_phase_cuts_phi_pulses_off():
    codes, tokens = wires_of_tokens(40)
    half = TIMING.av.start + TIMING.av.cycles // 2
    for cycle in range(half, TIMING.av.end):
        replaced(tokens[SPOILT], cycle, k_convert=0, v_integrate=0)
    expected = attend(**codes, config=CONFIG)
    y_code = answers_to(tokens)
    assert (y_code[SPOILT] != expected[SPOILT]).any()
    assert np.abs(y_code[SPOILT]).sum() < np.abs(expected[SPOILT]).sum()
    np.testing.assert_array_equal(np.delete(y_code, SPOILT, 0), np.delete(expected, SPOILT, 0))


def test_without_a_clear_the_power_up_state_shows():
    codes, tokens = wires_of_tokens(41)
    expected = attend(**codes, config=CONFIG)
    uncleared = in_one_run(tokens, CONFIG)[TIMING.clear_cycles :]
    runs = [play(uncleared, CONFIG, seed)[0] for seed in (1, 2)]
    for run in runs:
        assert (run != expected).any()
    assert (runs[0] != runs[1]).any()


def test_a_bank_that_was_not_loaded_answers_wrongly():
    config = HeadConfig(**CONFIG.fields_set() | {"schedule": "paired"})
    codes = random_codes(config, TOKENS, seed=42)
    cycles = at_interval(**codes, config=config, interval=config.interval_cycles)
    other = {0: 0, 0b01: 0b10, 0b10: 0b01}
    last_output = slice(-config.timing.out.cycles - config.sync_stages, None)
    swapped = list(cycles)
    swapped[last_output] = [
        wires._replace(v_convert=other[wires.v_convert]) for wires in cycles[last_output]
    ]
    expected = attend(**codes, config=config)
    np.testing.assert_array_equal(play(cycles, config)[0], expected)
    y_code, _ = play(swapped, config)
    assert (y_code != expected).any()


@pytest.mark.parametrize(("count", "width"), [(1, 1), (5, 3), (8, 8), (3, 4)])
def test_packs_and_unpacks_codes_lowest_bits_first(count, width):
    seed = 43
    print(f"seed {seed}")
    codes = np.random.default_rng(seed).integers(0, 1 << width, count)
    packed = pack_codes(codes, width)
    assert packed == sum(int(code) * (1 << width) ** place for place, code in enumerate(codes))
    np.testing.assert_array_equal(unpack_codes(packed, count, width), codes)
