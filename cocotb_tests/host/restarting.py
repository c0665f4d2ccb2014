"""Resets by software in the middle of everything."""

from typing import Any

from cocotbext.axi import AxiStreamFrame

from gaincell.behavioral.tokens import Tokens
from gaincell.cocotb_tests.host.bus import CAUSE, CONTROL, Host


async def restart(host: Host, tokens: Tokens) -> dict[str, Any]:
    """Reset while a result is refused, a packet is half taken and a request is unanswered.

    The result that was offered comes whole, the packet is dropped, the answer is ignored, and the
    tokens behind the reset are computed as if they were the first.
    """
    before = list(host.queries(tokens))[:12]
    await host.write("control", CONTROL["enable"])
    host.memory_answers = False
    for packet in before[:-2]:
        host.offer(*packet)
    await host.outputs(len(before) - 2)
    while not host.answered:
        await host.cycles(10)
    host.results.clear_pause_generator()
    host.results.pause = True
    for packet in before[-2:]:
        host.offer(*packet)
    while not int(host.tb.m_axis_result_tvalid.value):
        await host.cycles(1)
    half = before[0][0]
    host.tokens.clear_pause_generator()
    host.offer(half + half, 0, None)
    while host.tokens.empty():
        await host.cycles(1)
    await host.write("control", CONTROL["enable"] | CONTROL["reset"])
    assert await host.read("control") == CONTROL["enable"] | CONTROL["reset"]
    assert int(host.tb.m_axis_result_tvalid.value)
    stale = AxiStreamFrame(host.answered[0])
    host.results.pause = False
    await host.outputs(1)
    while await host.read("control") & CONTROL["reset"]:
        pass
    host.pins.forget_pulses_and_log()
    await host.write("cause", (1 << 32) - 1)
    assert await host.read("queries") == 0
    assert await host.read("results") == 0
    host.responses.send_nowait(stale)
    await host.responses.wait()
    await host.cycles(10)
    assert not await host.read("cause") & CAUSE["response_unasked"]
    host.memory_answers = True
    packets = list(host.queries(tokens))
    for packet in packets:
        host.offer(*packet)
    return {"y": await host.outputs(len(packets)), "queries": await host.read("queries")}
