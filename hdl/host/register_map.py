"""The registers of a host port: the one table behind hardware, C header, SystemRDL and manual."""

from __future__ import annotations

from collections.abc import Callable

from gaincell.core.bus import bus_bytes
from gaincell.core.config import CoreConfig, beats_of
from gaincell.hdl.host.fields import Access, Field, Register

IDENTITY = int.from_bytes(b"gain", "little")
MAJOR, MINOR = 1, 0
"""Version of this table: another MAJOR breaks software, another MINOR adds to it."""

CAUSES = {
    "token_short": "a token packet ended before its last beat",
    "token_long": "a token packet went on behind its last beat",
    "token_null": "a token packet lacked a byte of codes: TKEEP was low",
    "response_short": "a refresh packet ended before its last beat",
    "response_long": "a refresh packet went on behind its last beat",
    "response_null": "a refresh packet lacked a byte of codes: TKEEP was low",
    "response_unasked": "a refresh packet answered no request, or one that was answered before",
    "column_dropped": "a column was cleared because its data did not come in time",
    "result_sent": "the last beat of a result was taken",
}
"""Why a core interrupts, from bit 0 up."""


def _whole(name: str, offset: int, access: Access, says: str) -> Register:
    return Register(
        name=name,
        offset=offset,
        says=says,
        fields=(Field(name=name, access=access, says=says),),
    )


def _constant(name: str, offset: int, says: str, value: Callable[[CoreConfig], int]) -> Register:
    field = Field(name=name, access=Access.CONSTANT, says=says, value=value)
    return Register(name=name, offset=offset, says=says, fields=(field,))


def _bits(names: dict[str, str], access: Access) -> tuple[Field, ...]:
    return tuple(
        Field(name=name, low=place, width=1, access=access, says=says)
        for place, (name, says) in enumerate(names.items())
    )


def _parts(
    access: Access, *parts: tuple[str, int, int, str, Callable[[CoreConfig], int]]
) -> tuple[Field, ...]:
    return tuple(
        Field(name=name, low=low, width=width, access=access, says=says, value=value)
        for name, low, width, says, value in parts
    )


REGISTERS = (
    _constant("identity", 0x000, 'the bytes "gain", g lowest', lambda core: IDENTITY),
    Register(
        name="version",
        offset=0x004,
        says="version of this register map",
        fields=_parts(
            Access.CONSTANT,
            ("minor", 0, 16, "a larger one has more registers or fields", lambda core: MINOR),
            ("major", 16, 16, "another one breaks software", lambda core: MAJOR),
        ),
    ),
    Register(
        name="control",
        offset=0x008,
        says="what the core shall do",
        fields=(
            Field(
                name="enable",
                width=1,
                access=Access.STORED,
                says="token packets are taken; a packet that has begun is taken to its end",
            ),
            Field(
                name="start",
                low=1,
                width=1,
                access=Access.TRIGGER,
                says="the next token packet starts a sequence, whatever its TUSER; reads 1 until "
                "that packet begins",
            ),
            Field(
                name="reset",
                low=2,
                width=1,
                access=Access.TRIGGER,
                says="the core forgets its sequence, its queries and its counters; reads 1 until "
                "all output that was offered before has been taken",
            ),
        ),
    ),
    Register(
        name="cause",
        offset=0x00C,
        says="what has happened since the bit was cleared; the interrupt is high while a bit is "
        "set here and in `mask`",
        fields=_bits(CAUSES, Access.STICKY),
    ),
    Register(
        name="mask",
        offset=0x010,
        says="which causes interrupt",
        fields=_bits({name: f"`{name}` interrupts" for name in CAUSES}, Access.STORED),
    ),
    _whole("queries", 0x014, Access.STATUS, "queries taken since reset, modulo 2^32"),
    _whole("results", 0x018, Access.STATUS, "results sent since reset, modulo 2^32"),
    _whole("refused", 0x01C, Access.STATUS, "malformed packets since reset, modulo 2^32"),
    _whole("fill", 0x020, Access.STATUS, "tokens of the sequence in the window"),
    _whole("refreshed", 0x024, Access.STATUS, "columns refreshed since reset, modulo 2^16"),
    _whole("dropped", 0x028, Access.STATUS, "columns dropped since reset, modulo 2^16"),
    _whole(
        "worst_age",
        0x02C,
        Access.STATUS,
        "cycles; no column was older when it was written again; 0 before the first time",
    ),
    _constant("heads", 0x040, "heads in lock step, H", lambda core: core.heads),
    _constant(
        "heads_per_group",
        0x044,
        "heads that share keys and values: queries of a token",
        lambda core: core.heads_per_group,
    ),
    _constant("head_dim", 0x048, "dimensions of a head, D", lambda core: core.head.head_dim),
    _constant("window", 0x04C, "tokens of the sliding window, M", lambda core: core.head.window),
    _constant("sink", 0x050, "first tokens that are kept for ever", lambda core: core.head.sink),
    _constant("columns", 0x054, "columns of a sub-tile, N", lambda core: core.head.columns),
    _constant("tiles", 0x058, "sub-tiles, the sink's included", lambda core: core.head.tiles),
    Register(
        name="widths",
        offset=0x05C,
        says="bits of the numbers in packets",
        fields=_parts(
            Access.CONSTANT,
            ("query", 0, 8, "bits of a query code", lambda core: core.head.query_bits),
            ("key", 8, 8, "bits of a key code", lambda core: core.head.key_bits),
            ("value", 16, 8, "bits of a value code", lambda core: core.head.value_bits),
            ("result", 24, 8, "bits of an output, signed", lambda core: core.head.result_width),
        ),
    ),
    _constant("token_bytes", 0x060, "bytes of a token beat", lambda core: bus_bytes(core)[0]),
    _constant(
        "token_beats",
        0x064,
        "beats of a token packet",
        lambda core: beats_of(core.token_bits, core.token_beat_bits),
    ),
    _constant(
        "further_beats",
        0x068,
        "beats of a further query",
        lambda core: beats_of(core.query_bits, core.token_beat_bits),
    ),
    _constant("result_bytes", 0x06C, "bytes of a result beat", lambda core: bus_bytes(core)[1]),
    _constant(
        "result_beats",
        0x070,
        "beats of a result packet",
        lambda core: beats_of(core.result_bits, core.result_beat_bits),
    ),
    _constant(
        "response_bytes",
        0x074,
        "bytes of a refresh beat",
        lambda core: bus_bytes(core)[2],
    ),
    _constant(
        "response_beats",
        0x078,
        "beats of a refresh packet",
        lambda core: beats_of(core.stored_bits, core.refresh_beat_bits),
    ),
    _constant(
        "interval", 0x07C, "least cycles between queries", lambda core: core.head.interval_cycles
    ),
    _constant(
        "latency",
        0x080,
        "cycles from a query to its result, beats apart",
        lambda core: core.head.latency_cycles,
    ),
    _constant(
        "patience",
        0x084,
        "cycles within which refresh data must come; 0: there is no refresh",
        lambda core: 0 if core.head.retention is None else core.head.retention.patience_cycles,
    ),
)
"""In the order of their offsets."""
