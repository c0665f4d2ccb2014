"""The ports of a core behind AXI4-Stream and AXI4-Lite."""

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from gaincell.core.bus import bus_bytes
from gaincell.core.config import CoreConfig
from gaincell.hdl.host.axi import WORD_BITS, axi_lite, axi_stream
from gaincell.hdl.layouts import array_port

FLAGS = 2
"""TUSER of a token: ``first``, ``further``."""
PLACE_BITS = 16
"""Of the column, and of the sub-tile, in a request."""
TAG_BITS = 8
"""TUSER of requests and responses."""


def host_ports(core: CoreConfig) -> dict[str, wiring.Member]:
    """Members of a ``HostedCore`` whose beats are of whole bytes."""
    config = core.lock_step
    token, result, refresh = (8 * each for each in bus_bytes(core))
    return {
        "s_axil": In(axi_lite()),
        "s_axis_token": In(axi_stream(token, user_bits=FLAGS)),
        "m_axis_result": Out(axi_stream(result)),
        "m_axis_request": Out(axi_stream(WORD_BITS, user_bits=TAG_BITS, keep=False)),
        "s_axis_response": In(axi_stream(refresh, user_bits=TAG_BITS)),
        "irq": Out(1),
        "array": Out(array_port(config, config.timing.banks)),
    }
