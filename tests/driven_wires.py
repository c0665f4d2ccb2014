"""Wires of a whole run as a list, to be spoilt by a test and played into the arrays."""

from collections.abc import Callable, Iterable
from itertools import chain

import numpy as np

from gaincell.behavioral.control import query_wires, token_wires
from gaincell.behavioral.faults import Faults
from gaincell.behavioral.pins import ArrayPins, Wires, WritePort, pack_codes
from gaincell.config import HeadConfig

_IDLE = Wires()


def clear_cycles(config: HeadConfig) -> list[Wires]:
    """The broadcast write that starts a sequence, and an idle cycle."""
    cleared = WritePort(enable=1, broadcast=1)
    return [Wires(k=cleared, v=cleared)] * config.write_cycles + [_IDLE]


def column_port(config: HeadConfig, slot: int, codes: Iterable[int], bits: int) -> WritePort:
    """The wires that write ``codes`` (D,) of ``bits`` each into one slot."""
    return WritePort(1, 0, *divmod(slot, config.columns), pack_codes(codes, bits))


def rewrite_cycles(config: HeadConfig, slot: int, k_code=None, v_code=None) -> list[Wires]:
    """A visit to one column: its K write, its V write, each left out for None, and a cycle idle."""
    visit = []
    if k_code is not None:
        port = column_port(config, slot, k_code, config.key_bits)
        visit += [Wires(k=port)] * config.write_cycles
    if v_code is not None:
        port = column_port(config, slot, v_code, config.value_bits)
        visit += [Wires(v=port)] * config.write_cycles
    return [*visit, _IDLE]


def launches(q_code, k_code, v_code, config: HeadConfig) -> list[list[list[Wires]]]:
    """Cycles of each query of each token of one sequence; only a token's first query writes."""
    of_tokens = []
    for token, (key, value) in enumerate(zip(k_code, v_code, strict=True)):
        first, *further = np.reshape(q_code[token], (-1, config.head_dim))
        own = [list(token_wires(first, key, value, token, config))]
        of_tokens.append(own + [list(query_wires(query, config)) for query in further])
    return of_tokens


def one_after_the_other(q_code, k_code, v_code, config: HeadConfig) -> list[list[Wires]]:
    """Cycles of each token of one sequence; token t's list holds cycles 1, 2, ... of token t."""
    return [list(chain(*queries)) for queries in launches(q_code, k_code, v_code, config)]


def in_one_run(tokens: Iterable[list[Wires]], config: HeadConfig) -> list[Wires]:
    """The clear that starts a sequence, then the cycles of all its tokens."""
    return clear_cycles(config) + list(chain.from_iterable(tokens))


def at_interval(q_code, k_code, v_code, config: HeadConfig, interval: int) -> list[Wires]:
    """One sequence with a query every ``interval`` cycles, after its clear."""
    queries = chain(*launches(q_code, k_code, v_code, config))
    return clear_cycles(config) + overlapped(list(queries), config, interval)


def overlapped(launched: list[list[Wires]], config: HeadConfig, interval: int) -> list[Wires]:
    """Launches begun every ``interval`` cycles, banks alternating."""
    length = (len(launched) - 1) * interval + max(map(len, launched)) if launched else 0
    merged = [_IDLE] * length
    for place, cycles in enumerate(launched):
        bank = place % config.timing.banks
        for offset, wires in enumerate(cycles):
            at = place * interval + offset
            merged[at] = _merge(merged[at], _on_bank(wires, bank))
    return merged


def played_with_faults(
    cycles: list[Wires], config: HeadConfig, faults: Faults, seeds: range
) -> np.ndarray:
    """Head outputs (seeds, queries, D) of arrays with ``faults``, one draw of them per seed.

    The wires are the same for every draw, and so are the cycles in which nothing changes: they are
    left out.
    """
    changing = [
        (cycle, wires)
        for cycle, wires in enumerate(cycles)
        if cycle == 0 or wires.query or wires != cycles[cycle - 1]
    ]
    drawn = []
    for seed in seeds:
        pins = ArrayPins(config, faults, np.random.default_rng(seed), check_age=False)
        for cycle, wires in changing:
            pins.step(wires, cycle)
            if pins.codes is not None:
                magnitude, negative = pins.codes
                drawn.append(np.where(negative, -magnitude, magnitude).sum(axis=0))
    return np.array(drawn).reshape(len(seeds), -1, config.head_dim)


def play(
    cycles: list[Wires],
    config: HeadConfig,
    seed: int = 0,
    watch: Callable[[ArrayPins], None] | None = None,
    *,
    check_age: bool = True,
) -> tuple[np.ndarray, ArrayPins]:
    """Head outputs (queries, D) in the order of their output phases, and the arrays afterwards."""
    pins = ArrayPins(config, rng=np.random.default_rng(seed), check_age=check_age)
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
