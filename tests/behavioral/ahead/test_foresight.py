"""Arrays that know which tokens come say what they say without: the wires alone decide."""

from dataclasses import replace

import numpy as np
import pytest

from gaincell.behavioral.arrays import AnalogHead
from gaincell.behavioral.control import query_wires, token_wires
from gaincell.behavioral.pins import ArrayPins
from gaincell.behavioral.tokens import Tokens, random_tokens
from gaincell.behavioral.wires import Wires, WritePort
from gaincell.config import PRESETS, HeadConfig

HEADS = {
    "tiny": PRESETS["tiny"],
    "sink": HeadConfig(head_dim=3, window=12, columns=4, sink=2, key_bits=2, value_bits=5),
    "paired": HeadConfig(head_dim=4, window=40, columns=8, schedule="paired", step_cycles=2),
    "gpt2": replace(PRESETS["gpt2"], window=128),
}
TOKENS = 90


def drawn(config: HeadConfig, turns: int = 1, seed: int = 3) -> Tokens:
    """Two sequences of tokens of ``turns`` queries each."""
    rng = np.random.default_rng(seed)
    tokens = random_tokens(TOKENS, config, rng)
    first = np.zeros(TOKENS, dtype=np.int64)
    first[[0, TOKENS // 2]] = 1
    q_code = rng.integers(0, config.query_max + 1, (TOKENS, turns, config.head_dim))
    return replace(tokens, q_code=q_code, first=first)


def clear(pins: ArrayPins, k_code: int = 0, v_code: int = 0) -> None:
    k, v = WritePort(1, 1, code=k_code), WritePort(1, 1, code=v_code)
    for wires in [Wires(k=k, v=v)] * pins.config.write_cycles + [Wires()]:
        pins.step(wires)


def codes(tokens: Tokens, config: HeadConfig, expected: Tokens | None, between=None, position=0):
    """Signed codes of each query, and how many reads were foreseen, for the wires of ``tokens``.

    ``between`` acts on the pins after each token, with the token's number.
    """
    pins, found, foreseen = ArrayPins(config, rng=np.random.default_rng(1)), [], 0
    if expected is not None:
        pins.expect(expected)
    for token in range(len(tokens)):
        if tokens.first[token]:
            clear(pins)
            position = 0
        query = tokens.q_code[token]
        key, value = tokens.k_code[token], tokens.v_code[token]
        launches = [token_wires(query[0], key, value, position, config)]
        launches += [query_wires(further, config) for further in query[1:]]
        for launch in launches:
            before = pins.analog.foreseen_reads
            for wires in launch:
                pins.step(wires)
                if pins.codes is not None:
                    magnitude, negative = pins.codes
                    found.append(np.where(negative, -magnitude, magnitude))
            foreseen += pins.analog.foreseen_reads - before
        if between is not None:
            between(pins, token)
        position += 1
    return np.array(found), foreseen


@pytest.mark.parametrize("turns", [1, 3])
@pytest.mark.parametrize("name", HEADS)
def test_what_is_foreseen_is_what_the_arrays_read(name: str, turns: int) -> None:
    config = HEADS[name]
    tokens = drawn(config, turns)
    alone, none = codes(tokens, config, None)
    told, foreseen = codes(tokens, config, tokens)
    assert np.array_equal(told, alone)
    assert none == 0
    # Two reads of each query, but for blocks that are too short.
    assert foreseen > 1.7 * TOKENS * turns


def other(tokens: Tokens, name: str, at: int = 20) -> Tokens:
    """``tokens`` with the lowest bits of one token's codes flipped."""
    changed = getattr(tokens, name).copy()
    changed[at] ^= 1
    return replace(tokens, **{name: changed})


@pytest.mark.parametrize("name", ["q_code", "k_code", "v_code"])
@pytest.mark.parametrize("head", HEADS)
def test_other_codes_on_the_wires_are_seen(head: str, name: str) -> None:
    config = HEADS[head]
    expected = drawn(config, 2)
    done = other(expected, name)
    alone, _ = codes(done, config, None)
    told, foreseen = codes(done, config, expected)
    assert np.array_equal(told, alone)
    as_expected, _ = codes(expected, config, None)
    assert not np.array_equal(alone, as_expected)
    assert 0 < foreseen < 4 * TOKENS


def refresh(pins: ArrayPins, token: int) -> None:
    if token in (8, 25):
        config = pins.config
        k, v = (
            WritePort(enable=1, column=2, code=(1 << bits * config.head_dim) - 1)
            for bits in (config.key_bits, config.value_bits)
        )
        for wires in [Wires(k=k, v=v)] * config.write_cycles + [Wires()]:
            pins.step(wires)


def cut_short(pins: ArrayPins, token: int) -> None:
    """A write that fails, then one that heals it."""
    if token == 8:
        port = WritePort(enable=1, column=2, code=1)
        pins.step(Wires(k=port))
        pins.step(Wires())
        refresh(pins, token)


def clear_all(pins: ArrayPins, token: int) -> None:
    if token == 8:
        clear(pins)


@pytest.mark.parametrize("between", [refresh, cut_short, clear_all])
@pytest.mark.parametrize("head", HEADS)
def test_other_writes_are_seen(head: str, between) -> None:
    config = replace(HEADS[head], retention_s=1e-3)
    tokens = drawn(config)
    alone, _ = codes(tokens, config, None, between)
    told, foreseen = codes(tokens, config, tokens, between)
    assert np.array_equal(told, alone)
    assert not np.array_equal(alone, codes(tokens, config, None)[0])
    assert 0 < foreseen < 2 * TOKENS


@pytest.mark.parametrize("head", HEADS)
def test_tokens_in_other_columns_are_seen(head: str) -> None:
    config = HEADS[head]
    tokens = replace(drawn(config), first=np.zeros(TOKENS, dtype=np.int64))
    alone, _ = codes(tokens, config, None, position=5)
    told, _ = codes(tokens, config, tokens, position=5)
    assert np.array_equal(told, alone)


def test_columns_that_are_alike_and_score_are_read() -> None:
    """A clear should leave codes 0, of which no score is positive. This one leaves others."""
    config = HEADS["gpt2"]
    tokens = drawn(config)
    largest = [(1 << bits * config.head_dim) - 1 for bits in (config.key_bits, config.value_bits)]
    found = []
    for filled, expected in ((False, None), (True, None), (True, tokens)):
        pins = ArrayPins(config, rng=np.random.default_rng(1))
        clear(pins, *(largest if filled else ()))
        if expected is not None:
            pins.expect(expected)
        for token in range(40):
            codes_of = tokens.q_code[token, 0], tokens.k_code[token], tokens.v_code[token]
            for wires in token_wires(*codes_of, token, config):
                pins.step(wires)
                if pins.codes is not None:
                    magnitude, negative = pins.codes
                    found.append(np.where(negative, -magnitude, magnitude))
        assert (pins.analog.foreseen_reads > 0) == (expected is not None)
    assert np.array_equal(found[40:80], found[80:])
    assert not np.array_equal(found[:40], found[40:80])


def test_what_an_integrator_still_holds_counts() -> None:
    """A reset that is too short leaves charge behind, foreseen or not."""
    config = HEADS["gpt2"]
    tokens = drawn(config)
    found = []
    for expected in (None, tokens):
        pins = ArrayPins(config, rng=np.random.default_rng(1))
        if expected is not None:
            pins.expect(expected)
        empty = pins.analog.reset_scores
        pins.analog.reset_scores = lambda bank, _, empty=empty: empty(bank, 0.5)
        clear(pins)
        for token in range(40):
            codes_of = tokens.q_code[token, 0], tokens.k_code[token], tokens.v_code[token]
            for wires in token_wires(*codes_of, token, config):
                pins.step(wires)
                if pins.codes is not None:
                    found.append(pins.codes[0])
        assert (pins.analog.foreseen_reads > 0) == (expected is not None)
    assert np.array_equal(found[:40], found[40:])


def test_scores_of_tokens_expected_before_are_not_those_of_tokens_expected_now() -> None:
    config = HEADS["gpt2"]
    before = drawn(config)
    now = other(before, "q_code", at=0)
    now.q_code[0] = config.query_max - before.q_code[0]
    found = []
    for expecting in (False, True):
        head = AnalogHead(config, rng=np.random.default_rng(1))
        for tokens in (before, now):
            if expecting:
                head.expect(tokens)
            head.write_column(head.k, 0, tokens.k_code[0], 0)
            if tokens is before:
                head.reset_scores(0)
                head.integrate_scores(0, before.q_code[0, 0] * config.step_cycles, 0)
        head.write_column(head.v, 0, now.v_code[0], 0)
        head.reset_outputs(0)
        head.integrate_outputs(0, 0, config.pulse_cycles, 0)
        found.append(head.convert(0))
    for alone, told in zip(*found, strict=True):
        assert np.array_equal(told, alone)
