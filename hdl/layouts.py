"""The payloads of the head's streams, and the wires between the head and the arrays."""

from amaranth.hdl import Shape, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from gaincell.config import HeadConfig


def index_shape(count: int) -> Shape:
    """Shape of an index 0..``count`` - 1, one bit wide even for a count of one."""
    return unsigned(max(1, (count - 1).bit_length()))


TAGS = 4
"""Largest number of unanswered requests for columns."""
COUNTER_BITS = 16
"""Width of the status counters; after its largest value a counter starts again at 0."""


def token_layout(config: HeadConfig) -> data.StructLayout:
    """One query, and the key and value of its token.

    ``first``: the token starts a sequence. ``further``: one more query of the latest token; ``k``
    and ``v`` are ignored. With ``first``, and on the first query after reset, ``further`` is
    ignored.
    """
    dims = config.head_dim
    return data.StructLayout(
        {
            "q": data.ArrayLayout(unsigned(config.query_bits), dims),
            "k": data.ArrayLayout(unsigned(config.key_bits), dims),
            "v": data.ArrayLayout(unsigned(config.value_bits), dims),
            "first": unsigned(1),
            "further": unsigned(1),
        }
    )


def token_beat_layout(beat_bits: int) -> data.StructLayout:
    """``beat_bits`` of the codes of ``token_layout``, q first, and the flags of their token.

    The flags count with the first beat of a token. A query that is ``further`` ends with its q.
    """
    return data.StructLayout({"data": beat_bits, "first": 1, "further": 1})


def result_layout(config: HeadConfig) -> data.ArrayLayout:
    """The outputs y of one query: D signed sums over sub-tiles."""
    return data.ArrayLayout(signed(config.result_width), config.head_dim)


def result_beat_layout(beat_bits: int) -> data.StructLayout:
    """``beat_bits`` of a ``result_layout``; ``last``: the result ends with this beat."""
    return data.StructLayout({"data": beat_bits, "last": 1})


def request_layout(config: HeadConfig) -> data.StructLayout:
    """A request for the key and value of the token that is stored in a column."""
    return data.StructLayout(
        {
            "tile": index_shape(config.tiles),
            "column": index_shape(config.columns),
            "tag": index_shape(TAGS),
        }
    )


def response_layout(config: HeadConfig) -> data.StructLayout:
    """The codes of a column, with the tag of the request that asked for them."""
    dims = config.head_dim
    return data.StructLayout(
        {
            "k": data.ArrayLayout(unsigned(config.key_bits), dims),
            "v": data.ArrayLayout(unsigned(config.value_bits), dims),
            "tag": index_shape(TAGS),
        }
    )


def response_beat_layout(beat_bits: int) -> data.StructLayout:
    """``beat_bits`` of the codes of ``response_layout``, k first; the first beat's tag counts."""
    return data.StructLayout({"data": beat_bits, "tag": index_shape(TAGS)})


def status_port(config: HeadConfig) -> wiring.Signature:
    """State of the window and of the refresh; valid in every cycle.

    fill : tokens of the sequence in the window; those of dropped columns count
    refreshed : visits since reset that wrote a column again with its data
    dropped : visits since reset that cleared a column because its data did not come in time
    worst_age : cycles; since reset no column was older when it was written again
    """
    return wiring.Signature(
        {
            "fill": Out(range(config.stored_columns + 1)),
            "refreshed": Out(COUNTER_BITS),
            "dropped": Out(COUNTER_BITS),
            "worst_age": Out(range((config.bound_cycles or 0) + 1)),
        }
    )


def write_port(config: HeadConfig, code_bits: int) -> wiring.Signature:
    """Wires of a column write: stable for ``write_cycles`` while ``enable`` is high.

    ``broadcast`` addresses every column and makes ``tile`` and ``column`` meaningless.
    """
    return wiring.Signature(
        {
            "enable": Out(1),
            "broadcast": Out(1),
            "tile": Out(index_shape(config.tiles)),
            "column": Out(index_shape(config.columns)),
            "code": Out(data.ArrayLayout(unsigned(code_bits), config.head_dim)),
        }
    )


def array_port(config: HeadConfig, banks: int) -> wiring.Signature:
    """Every wire between digital control and arrays, as the control drives and samples them.

    Enables of converter stages have one bit for each of the ``banks``. ``pulse`` and ``sign`` hold
    D bits per sub-tile, the ring's sub-tiles first.
    """
    dims = config.head_dim
    return wiring.Signature(
        {
            "k_write": Out(write_port(config, config.key_bits)),
            "v_write": Out(write_port(config, config.value_bits)),
            "query": Out(dims),
            "k_reset": Out(banks),
            "k_integrate": Out(banks),
            "k_convert": Out(banks),
            "v_reset": Out(banks),
            "v_integrate": Out(banks),
            "v_convert": Out(banks),
            "pulse": In(config.tiles * dims),
            "sign": In(config.tiles * dims),
        }
    )
