"""Every address of the registers, read and written."""

from typing import Any

from cocotbext.axi import AxiResp

from gaincell.behavioral.tokens import Tokens
from gaincell.cocotb_tests.host.bus import CAUSE, CONTROL, OFFSETS, Host
from gaincell.hdl.host.axi import ADDRESS_BITS
from gaincell.hdl.host.register_map import REGISTERS


async def registers(host: Host, tokens: Tokens) -> dict[str, Any]:
    """Values after reset, answers of holes and of what can only be read, bytes of a word."""
    lite = host.lite
    at = {register.offset: register for register in REGISTERS}
    holes = [0x03C, 0x088, 0x100, 0x400, (1 << ADDRESS_BITS) - 4]
    for offset in [*at, *holes]:
        register = at.get(offset)
        read = await lite.read(offset, 4)
        value = int.from_bytes(read.data, "little")
        if register is None:
            assert (read.resp, value) == (AxiResp.DECERR, 0)
            assert (await lite.write(offset, b"\xff" * 4)).resp == AxiResp.DECERR
            continue
        assert read.resp == AxiResp.OKAY, f"{register.name} answers {read.resp.name}"
        assert value == register.of(host.core), register.name
        if not register.written:
            assert (await lite.write(offset, b"\xff" * 4)).resp == AxiResp.SLVERR
            assert await host.read(register.name) == value
    await host.write("mask", (1 << 32) - 1)
    assert await host.read("mask") == sum(CAUSE.values())
    # One byte of a word, which WSTRB selects.
    await lite.write(OFFSETS["mask"] + 1, b"\0")
    assert await host.read("mask") == sum(CAUSE.values()) & 0xFF
    await host.write("control", CONTROL["start"])
    assert await host.read("control") == CONTROL["start"]
    # Several at once: each is answered, in order.
    reads = [lite.init_read(OFFSETS[name], 4) for name in ("identity", "heads", "window")]
    answers = [int.from_bytes((await _done(read)).data, "little") for read in reads]
    assert answers == [0x6E696167, host.core.heads, host.core.head.window]
    return {}


async def _done(event: Any) -> Any:
    await event.wait()
    return event.data
