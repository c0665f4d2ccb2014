"""Malformed packets between good ones."""

from typing import Any

from cocotbext.axi import AxiStreamFrame

from gaincell.behavioral.tokens import Tokens
from gaincell.cocotb_tests.host.bus import CAUSE, CONTROL, FIRST, Host


async def malformed(host: Host, tokens: Tokens) -> dict[str, Any]:
    """Before each query one malformed packet, of every kind in turn.

    The first packet of each sequence is malformed: its start must be the next packet's.
    """
    lanes = len(host.tb.s_axis_token_tdata) // 8
    kinds = ("long", "short", "null", "many")
    causes = {"long": "long", "short": "short", "null": "null", "many": "long"}
    packets = list(host.queries(tokens))
    await host.write("control", CONTROL["enable"])
    outputs: list[Any] = []
    refused = 0
    for number, (data, user, column) in enumerate(packets):
        kind = kinds[number % len(kinds)]
        whole = data + bytes(-len(data) % lanes)
        if kind == "short" and len(whole) == lanes:
            kind = "null"
        wrong, keep = {
            "short": (whole[:-lanes], None),
            "long": (whole + bytes(lanes), None),
            "null": (data, [place != len(data) // 2 for place in range(len(data))]),
            "many": (whole * 3, None),
        }[kind]
        host.offer(wrong, user, None, keep=keep)
        host.offer(data, user & ~FIRST, column, starts=bool(user & FIRST))
        refused += 1
        outputs += await host.outputs(1)
        assert await host.read("refused") == refused, f"{kind} is not refused"
        cause = await host.read("cause")
        told = {name for name, mask in CAUSE.items() if cause & mask}
        assert told - {"column_dropped"} == {"result_sent", f"token_{causes[kind]}"}, kind
        await host.write("cause", (1 << 32) - 1)
        assert await host.read("cause") == 0
    await _responses(host, refused)
    return {"y": outputs}


async def _responses(host: Host, refused: int) -> None:
    """Answers that nobody asked for, and malformed ones, change nothing but their causes."""
    core, tb = host.core, host.tb
    lanes = len(tb.s_axis_response_tdata) // 8
    size = -(-core.stored_bits // 8)
    await host.write("cause", (1 << 32) - 1)
    for tag in range(8):
        host.responses.send_nowait(AxiStreamFrame(bytes(size), tuser=tag))
    await host.responses.wait()
    await host.cycles(20)
    # Tags of time after a reset that has not been are stale too, and say nothing.
    assert await host.read("cause") & CAUSE["response_unasked"]
    await host.write("cause", (1 << 32) - 1)
    host.memory_answers = False
    while not host.answered:
        await host.cycles(10)
    host.answered.clear()
    while not host.answered:
        await host.cycles(10)
    answer = host.answered[-1]
    tag = answer.tuser
    wrong = [
        ("long", AxiStreamFrame(bytes(size + 2 * lanes), tuser=tag)),
        ("null", AxiStreamFrame(bytes(size), tkeep=[0] + [1] * (size - 1), tuser=tag)),
    ]
    if size > lanes:
        wrong.append(("short", AxiStreamFrame(bytes(lanes), tuser=tag)))
    for kind, frame in wrong:
        host.responses.send_nowait(frame)
        await host.responses.wait()
        await host.cycles(20)
        refused += 1
        found = await host.read("cause")
        assert found & CAUSE[f"response_{kind}"]
        assert not found & CAUSE["response_unasked"]
        assert await host.read("refused") == refused
        await host.write("cause", (1 << 32) - 1)
    host.responses.send_nowait(AxiStreamFrame(answer))
    await host.responses.wait()
    await host.cycles(20)
    assert not await host.read("cause") & CAUSE["response_unasked"]
    host.responses.send_nowait(AxiStreamFrame(answer))
    await host.responses.wait()
    await host.cycles(20)
    assert await host.read("cause") & CAUSE["response_unasked"]
