"""The signals of AXI4-Stream and AXI4-Lite, by the names of the specifications."""

from enum import IntEnum

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

WORD_BITS = 32
"""Data of AXI4-Lite."""
ADDRESS_BITS = 12
"""Of the registers: 4 kB, the smallest region that an AXI interconnect decodes."""


class Response(IntEnum):
    """BRESP and RRESP, as AMBA AXI (ARM IHI 0022) defines them."""

    OKAY = 0
    SLVERR = 2
    DECERR = 3


def axi_stream(data_bits: int, *, user_bits: int = 0, keep: bool = True) -> wiring.Signature:
    """A stream as its transmitter sees it; AMBA AXI4-Stream (ARM IHI 0051).

    ``data_bits`` is a multiple of 8. There is no TSTRB: a byte is data or, without its bit of
    TKEEP, null.
    """
    members = {"tdata": Out(data_bits), "tlast": Out(1), "tvalid": Out(1), "tready": In(1)}
    if keep:
        members["tkeep"] = Out(data_bits // 8)
    if user_bits:
        members["tuser"] = Out(user_bits)
    return wiring.Signature(members)


def axi_lite(address_bits: int = ADDRESS_BITS) -> wiring.Signature:
    """AXI4-Lite with words of 32 bits as its manager sees it."""
    return wiring.Signature(
        {
            "awaddr": Out(address_bits),
            "awprot": Out(3),
            "awvalid": Out(1),
            "awready": In(1),
            "wdata": Out(WORD_BITS),
            "wstrb": Out(WORD_BITS // 8),
            "wvalid": Out(1),
            "wready": In(1),
            "bresp": In(2),
            "bvalid": In(1),
            "bready": Out(1),
            "araddr": Out(address_bits),
            "arprot": Out(3),
            "arvalid": Out(1),
            "arready": In(1),
            "rdata": In(WORD_BITS),
            "rresp": In(2),
            "rvalid": In(1),
            "rready": Out(1),
        }
    )
