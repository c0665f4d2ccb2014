"""Shapes of what moves on the head's streams and on the wires to the arrays."""

from amaranth.hdl import Shape, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from gaincell.config import HeadConfig


def index_shape(count: int) -> Shape:
    """Shape of an index 0..``count`` - 1, one bit wide even for a count of one."""
    return unsigned(max(1, (count - 1).bit_length()))


TAGS = 4
"""Requests for columns that may be unanswered at a time."""
COUNTER_BITS = 16
"""Of the status counters, which count on from 0 after their largest value."""


def token_layout(config: HeadConfig) -> data.StructLayout:
    """One query, and the key and value of its token.

    ``first``: the token starts a sequence. ``further``: one more query of the token before; ``k``
    and ``v`` mean nothing then. ``first`` wins, and so does the first token after reset.
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


def result_layout(config: HeadConfig) -> data.ArrayLayout:
    """The outputs y of one query: D signed sums over sub-tiles."""
    return data.ArrayLayout(signed(config.result_width), config.head_dim)


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


def status_port(config: HeadConfig) -> wiring.Signature:
    """What the head tells of its window and its refresh; valid in every cycle.

    fill : tokens of the sequence in the window, dropped ones too
    refreshed : columns written again with their data, since reset
    dropped : columns cleared because their data did not come in time, since reset
    worst_age : cycles; no column was older when it was written again, since reset
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
