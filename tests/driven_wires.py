"""Wires of a whole run as a list, to be spoilt by a test and played into the arrays."""

from collections.abc import Callable, Iterable
from itertools import chain

import numpy as np

from gaincell.behavioral.control import token_wires
from gaincell.behavioral.pins import ArrayPins, Wires, WritePort
from gaincell.config import HeadConfig

_IDLE = Wires()


def clear_cycles(config: HeadConfig) -> list[Wires]:
    """The broadcast write that starts a sequence."""
    cleared = WritePort(enable=1, broadcast=1)
    return [Wires(k=cleared, v=cleared)] * config.write_cycles


def one_after_the_other(q_code, k_code, v_code, config: HeadConfig) -> list[list[Wires]]:
    """Cycles of each token of one sequence; token t's list holds cycles 1, 2, ... of token t."""
    return [
        list(token_wires(q_code[t], k_code[t], v_code[t], t, config)) for t in range(len(q_code))
    ]


def in_one_run(tokens: Iterable[list[Wires]], config: HeadConfig) -> list[Wires]:
    """The clear that starts a sequence, then the cycles of all its tokens."""
    return clear_cycles(config) + list(chain.from_iterable(tokens))


def at_interval(q_code, k_code, v_code, config: HeadConfig, interval: int) -> list[Wires]:
    """One sequence with a token every ``interval`` cycles, banks alternating, after its clear."""
    tokens = one_after_the_other(q_code, k_code, v_code, config)
    length = (len(tokens) - 1) * interval + len(tokens[-1]) if tokens else 0
    merged = [_IDLE] * length
    for token, cycles in enumerate(tokens):
        bank = token % config.timing.banks
        for offset, wires in enumerate(cycles):
            at = token * interval + offset
            merged[at] = _merge(merged[at], _on_bank(wires, bank))
    return clear_cycles(config) + merged


def play(
    cycles: list[Wires],
    config: HeadConfig,
    seed: int = 0,
    watch: Callable[[ArrayPins], None] | None = None,
) -> tuple[np.ndarray, ArrayPins]:
    """Head outputs in the order of their output phases, and the arrays afterwards."""
    pins = ArrayPins(config, rng=np.random.default_rng(seed))
    y_code = []
    for wires in cycles:
        pins.step(wires)
        if watch is not None:
            watch(pins)
        if pins.codes is not None:
            magnitude, negative = pins.codes
            y_code.append(np.where(negative, -magnitude, magnitude).sum(axis=0))
    pins.step(_IDLE)
    return np.array(y_code).reshape(-1, config.head_dim), pins


def _on_bank(wires: Wires, bank: int) -> Wires:
    return Wires(*wires[:3], *(enable << bank for enable in wires[3:]))


def _merge(one: Wires, other: Wires) -> Wires:
    k = one.k if one.k.enable else other.k
    v = one.v if one.v.enable else other.v
    pulses_and_enables = (a | b for a, b in zip(one[2:], other[2:], strict=True))
    return Wires(k, v, *pulses_and_enables)
