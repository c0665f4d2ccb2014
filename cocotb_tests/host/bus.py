"""A core with a host port inside the simulator, between bus models of cocotbext-axi."""

import traceback
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge
from cocotbext.axi import (
    AxiLiteBus,
    AxiLiteMaster,
    AxiResp,
    AxiStreamBus,
    AxiStreamFrame,
    AxiStreamMonitor,
    AxiStreamSink,
    AxiStreamSource,
)

from gaincell.behavioral.pins import ArrayPins
from gaincell.behavioral.tokens import Tokens
from gaincell.cocotb_tests.bench.transports import PerNsTransport
from gaincell.cocotb_tests.host.packets import column_packet, token_packet, unpacked
from gaincell.cocotb_tests.run.testbench import CocotbSignals
from gaincell.core.config import CoreConfig
from gaincell.hdl.host.register_map import REGISTERS

FIRST, FURTHER = 1, 2
OFFSETS = {register.name: register.offset for register in REGISTERS}
CONTROL = {field.name: field.mask for field in REGISTERS[2].fields}
CAUSE = {field.name: field.mask for field in REGISTERS[3].fields}


class Host:
    """What stands around the core: a processor, its streams, its memory, and the arrays.

    Parameters
    ----------
    pause : float
        Share of cycles in which a source offers nothing, and a sink takes nothing.
    """

    def __init__(self, tb: Any, core: CoreConfig, pause: float, seed: int) -> None:
        self.tb, self.core = tb, core
        self.rng = np.random.default_rng(seed)
        groups = None if core.groups == 1 else core.groups
        self.pins = ArrayPins(core.head, None, self.rng, groups=groups)
        self._columns: dict[int, bytes] = {}
        self._position = -1
        self._expected: list[tuple[bytes, int, bytes | None]] = []
        self.fault = ""
        self.memory_answers = True
        self.answered: list[AxiStreamFrame] = []

        def stream(kind: Any, name: str) -> Any:
            bus = AxiStreamBus.from_prefix(tb, name)
            return kind(bus, tb.clk, tb.resetn, reset_active_level=False)

        self.tokens = stream(AxiStreamSource, "s_axis_token")
        self.taken = stream(AxiStreamMonitor, "s_axis_token")
        self.results = stream(AxiStreamSink, "m_axis_result")
        self.requests = stream(AxiStreamSink, "m_axis_request")
        self.responses = stream(AxiStreamSource, "s_axis_response")
        lite = AxiLiteBus.from_prefix(tb, "s_axil")
        self.lite = AxiLiteMaster(lite, tb.clk, tb.resetn, reset_active_level=False)
        channels = (
            self.lite.write_if.aw_channel,
            self.lite.write_if.w_channel,
            self.lite.write_if.b_channel,
            self.lite.read_if.ar_channel,
            self.lite.read_if.r_channel,
        )
        if pause:
            streams = (self.tokens, self.results, self.requests, self.responses)
            for each in (*streams, *channels):
                each.set_pause_generator(self._pauses(pause))

    def _pauses(self, share: float) -> Iterator[bool]:
        rng = np.random.default_rng(self.rng.integers(1 << 32))
        while True:
            yield from (rng.random(256) < share).tolist()

    async def begin(self) -> None:
        """Start clock and arrays, hold reset, release it."""
        Clock(self.tb.clk, 1, unit="ns", impl="gpi").start()
        for _ in range(2):
            await FallingEdge(self.tb.clk)
        self.tb.resetn.value = 0
        for _ in range(3):
            await FallingEdge(self.tb.clk)
        self.tb.resetn.value = 1
        for work in (self._arrays, self._copy_columns, self._answer_requests):
            cocotb.start_soon(self._beside(work))

    async def _beside(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do ``work``; its fault ends the scenario, and cocotb does not say which it was."""
        try:
            await work()
        except Exception:
            self.fault = traceback.format_exc()
            raise

    async def _arrays(self) -> None:
        signals = CocotbSignals(self.tb, "per-ns")
        transport = PerNsTransport(signals, self.pins, self.core.lock_step)
        while True:
            await transport.advance()

    async def _copy_columns(self) -> None:
        """Keep the key and value of each token whose packet was taken."""
        while True:
            frame = await self.taken.recv(compact=False)
            data, user, column = self._expected.pop(0)
            assert bytes(frame.tdata[: len(data)]) == data
            if column is not None:
                self._position = 0 if user & FIRST else self._position + 1
                self._columns[self.core.head.slot_of(self._position)] = column

    async def _answer_requests(self) -> None:
        head = self.core.head
        while True:
            frame = await self.requests.recv()
            place = int.from_bytes(frame.tdata, "little")
            slot = (place >> 16) * head.columns + (place & 0xFFFF)
            answer = AxiStreamFrame(self._columns[slot], tuser=frame.tuser)
            self.answered.append(AxiStreamFrame(answer))
            if self.memory_answers:
                await self.responses.send(answer)

    def offer(
        self,
        data: bytes,
        user: int,
        column: bytes | None,
        *,
        keep: Sequence[int] | None = None,
        starts: bool = False,
    ) -> None:
        """Send a packet; ``column`` if it brings a token, which may start what TUSER does not."""
        self._expected.append((data, user | FIRST * starts, column))
        # TUSER of all bytes of the first beat counts; what comes behind is wrong on purpose.
        lanes = len(self.tb.s_axis_token_tdata) // 8
        users = [user] * lanes + [user ^ 3] * (len(data) - lanes)
        self.tokens.send_nowait(AxiStreamFrame(data, tkeep=keep, tuser=users[: len(data)]))

    def queries(self, tokens: Tokens) -> Iterator[tuple[bytes, int, bytes | None]]:
        """Packets, TUSER, and columns of tokens for ``offer``."""
        step = tokens.in_lock_step()
        queries = step.q_code.reshape(len(step), -1, step.k_code.shape[1])
        for q_code, k_code, v_code, first in zip(
            queries, step.k_code, step.v_code, step.first, strict=True
        ):
            user = FIRST * bool(first)
            column = column_packet(k_code, v_code, self.core)
            yield token_packet(q_code[0], k_code, v_code, self.core), user, column
            for further in q_code[1:]:
                yield token_packet(further, None, None, self.core), FURTHER, None

    async def outputs(self, count: int) -> list[Any]:
        """The next ``count`` results: (groups * D,) each."""
        core, found = self.core, []
        size = -(-core.result_bits // 8)
        for _ in range(count):
            frame = await self.results.recv(compact=False)
            kept = [place for place, keep in enumerate(frame.tkeep) if keep]
            assert kept == list(range(size)), "TKEEP of a result marks other bytes than its own"
            assert not any(frame.tdata[size:]), "null bytes of a result are not zero"
            word = int.from_bytes(frame.tdata, "little")
            found.append(unpacked(word, core.lock_step.head_dim, core.head.result_width))
        return found

    async def read(self, name: str) -> int:
        """A register by its name."""
        answer = await self.lite.read(OFFSETS[name], 4)
        assert answer.resp == AxiResp.OKAY
        return int.from_bytes(answer.data, "little")

    async def write(self, name: str, value: int) -> None:
        answer = await self.lite.write(OFFSETS[name], value.to_bytes(4, "little"))
        assert answer.resp == AxiResp.OKAY

    async def cycles(self, count: int) -> None:
        for _ in range(count):
            await RisingEdge(self.tb.clk)
