"""A sequence of tokens through the buses."""

from typing import Any

from gaincell.behavioral.tokens import Tokens
from gaincell.cocotb_tests.host.bus import CAUSE, CONTROL, Host
from gaincell.core.config import beats_of

IDLE_CYCLES = 2000
"""Time for refreshes."""


async def attend(host: Host, tokens: Tokens) -> dict[str, Any]:
    """Attend over ``tokens``, and see that counters, causes and interrupt tell of it."""
    assert await host.read("token_beats") == beats_of(
        host.core.token_bits, host.core.token_beat_bits
    )
    packets = list(host.queries(tokens))
    for packet in packets[: len(packets) // 2]:
        host.offer(*packet)
    await host.cycles(60)
    assert await host.read("queries") == 0, "tokens are taken while the core is not enabled"
    await host.write("mask", CAUSE["result_sent"])
    assert not int(host.tb.irq.value)
    await host.write("control", CONTROL["enable"])
    y_code = await host.outputs(len(packets) // 2)
    await host.cycles(IDLE_CYCLES)
    for packet in packets[len(packets) // 2 :]:
        host.offer(*packet)
    y_code += await host.outputs(len(packets) - len(packets) // 2)
    await host.cycles(2)
    assert int(host.tb.irq.value)
    await host.write("cause", CAUSE["result_sent"])
    await host.cycles(2)
    assert not int(host.tb.irq.value)
    counts = {
        name: await host.read(name)
        for name in ("queries", "results", "refused", "fill", "refreshed", "dropped", "cause")
    }
    return {"y": y_code, **counts}
