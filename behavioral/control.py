"""An ideal control: drives the arrays' wires from tokens, without any hardware description.

It runs arrays with faults without a simulator, and it is the reference for the wires of a correct
control.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral.codes import Codes, check_first, check_sequence
from gaincell.behavioral.events import Events
from gaincell.behavioral.faults import Faults
from gaincell.behavioral.pins import ArrayPins
from gaincell.behavioral.wires import Wires, WritePort, pack_codes
from gaincell.config import HeadConfig
from gaincell.schedule import WRITE_GAP_CYCLES, Span


def run_arrays(
    q_code: Codes,
    k_code: Codes,
    v_code: Codes,
    config: HeadConfig,
    *,
    first: NDArray[Any] | None = None,
    faults: Faults | None = None,
    rng: np.random.Generator | None = None,
) -> tuple[NDArray[np.int64], Events]:
    """Head outputs and event log of the arrays, with ``faults``, under a perfect control.

    One query is finished before the next begins. Codes, flags, the shape of the outputs and errors
    are as in ``attend``. Nothing is refreshed.
    """
    shape = check_sequence(q_code, k_code, v_code, config)
    flags = check_first(first, shape.tokens)
    # This control never refreshes: it is for sequences of any length at any rate of leakage.
    pins = ArrayPins(config, faults, rng, check_age=False)
    query = q_code.reshape(shape.tokens, shape.group, config.head_dim)
    y_code = np.zeros(query.shape, dtype=np.int64)
    position = 0
    for token in range(shape.tokens):
        if flags[token]:
            position = 0
            cleared = WritePort(enable=1, broadcast=1)
            for _ in range(config.write_cycles):
                pins.step(Wires(k=cleared, v=cleared))
            for _ in range(WRITE_GAP_CYCLES):
                pins.step(Wires())
        launches = [token_wires(query[token, 0], k_code[token], v_code[token], position, config)]
        launches += [query_wires(further, config) for further in query[token, 1:]]
        for place, launch in enumerate(launches):
            for wires in launch:
                pins.step(wires)
                if pins.codes is not None:
                    magnitude, negative = pins.codes
                    y_code[token, place] = np.where(negative, -magnitude, magnitude).sum(axis=0)
        position += 1
    return y_code.reshape(q_code.shape), pins.events


def token_wires(
    q_code: Codes, k_code: Codes, v_code: Codes, position: int, config: HeadConfig
) -> Iterator[Wires]:
    """Wires of each cycle from the launch of a token's first query to the end of its sign hold.

    All codes are (D,); ``position`` is the token's in its sequence.
    """
    k_port = _port(k_code, position, config.key_bits, config)
    v_port = _port(v_code, position, config.value_bits, config)
    return _launch(q_code, k_port, v_port, config)


def query_wires(q_code: Codes, config: HeadConfig) -> Iterator[Wires]:
    """Wires of a further query (D,) of the same token: the same cycles without the writes."""
    return _launch(q_code, WritePort(), WritePort(), config)


def _launch(
    q_code: Codes, k_port: WritePort, v_port: WritePort, config: HeadConfig
) -> Iterator[Wires]:
    timing = config.timing
    end = timing.out.end + config.sync_stages
    return (
        Wires(
            k=k_port if _in(timing.k_write, cycle) else WritePort(),
            v=v_port if _in(timing.v_write, cycle) else WritePort(),
            query=_pulses(q_code, cycle, config),
            k_reset=_in(timing.k_reset, cycle),
            k_integrate=_in(timing.qk, cycle),
            k_convert=_in(timing.av, cycle),
            v_reset=_in(timing.v_reset, cycle),
            v_integrate=_in(timing.av, cycle),
            v_convert=_in(timing.out, cycle),
        )
        for cycle in range(1, end)
    )


def _port(code: Codes, position: int, width: int, config: HeadConfig) -> WritePort:
    tile, column = config.place_of(config.slot_of(position))
    return WritePort(1, 0, tile, column, pack_codes(code, width))


def _pulses(q_code: Codes, cycle: int, config: HeadConfig) -> int:
    if not _in(config.timing.qk, cycle):
        return 0
    step = (cycle - config.timing.qk.start) // config.step_cycles
    return pack_codes(q_code > step, 1)


def _in(span: Span, cycle: int) -> int:
    return int(span.start <= cycle < span.end)
