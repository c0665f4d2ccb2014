# amaranth: UnusedElaboratable=no
"""A core behind AXI4-Stream and AXI4-Lite."""

from dataclasses import replace
from typing import Any

from amaranth import Cat, ClockSignal, Instance, Module, Mux, ResetInserter, ResetSignal, Signal
from amaranth.hdl import Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from gaincell.core.bus import bus_core
from gaincell.core.config import CoreConfig
from gaincell.hdl.core.attention_core import AttentionCore
from gaincell.hdl.core.downsizer import Downsizer
from gaincell.hdl.host.axi import WORD_BITS
from gaincell.hdl.host.fields import LARGEST_WORD
from gaincell.hdl.host.packet_receiver import PacketReceiver, last_bytes
from gaincell.hdl.host.ports import FLAGS, PLACE_BITS, TAG_BITS, host_ports
from gaincell.hdl.host.register_file import RegisterFile
from gaincell.hdl.host.register_map import CAUSES
from gaincell.hdl.host.response_tags import ResponseTags


class HostedCore(wiring.Component):
    """A core whose streams are packets on AXI4-Stream, with registers on AXI4-Lite.

    A packet is a query, a result, a request or a response; TLAST ends it. Packets carry what the
    beats of the core's contract carry, the lowest bits first. Malformed packets are dropped, set a
    cause, and stop nothing. ``register_map`` says what software can do.

    A reset by software resets the core, not the bus: a result or request that was offered stays
    until it is taken, and so long the core stands still. The packets that were under way are
    dropped up to their TLAST.

    Parameters
    ----------
    core : CoreConfig
        Widths of beats that it leaves open are chosen as ``bus_core`` says.
    core_module : str, optional
        The core is an instance of a module of this name, converted elsewhere; by default it is a
        submodule.

    Members
    -------
    s_axil : In(``axi_lite``)
    s_axis_token : In(``axi_stream``)
        TUSER is ``first``, ``further`` from bit 0 up, and counts with the first beat.
    m_axis_result : Out(``axi_stream``)
    m_axis_request : Out(``axi_stream``)
        One beat: the column in the lower half of TDATA, the sub-tile in the upper; TUSER is a tag.
    s_axis_response : In(``axi_stream``)
        TUSER is the tag of its request, and counts with the first beat.
    irq : Out(1)
        High while a cause is set whose mask is; from a flop.
    array : Out(``array_port``)
    """

    def __init__(self, core: CoreConfig, *, core_module: str | None = None) -> None:
        self.core = core = bus_core(core)
        self._core_module = core_module
        self.inside = AttentionCore(
            replace(core, token_beat_bits=None, result_beat_bits=None, refresh_beat_bits=None)
        )
        super().__init__(self._clock_ports() | host_ports(core))

    def _clock_ports(self) -> dict[str, wiring.Member]:
        """None: the clock is that of the domain ``sync``."""
        return {}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.registers = registers = RegisterFile(self.core)
        wiring.connect(m, wiring.flipped(self.s_axil), registers.bus)
        resetting = Signal()
        core: Any = self._core(m, resetting)
        wiring.connect(m, wiring.flipped(self.array), core.array)

        tokens = self._take_tokens(m, core, registers, resetting)
        result_waits = self._send_results(m, core, registers, resetting)
        request_waits, responses = self._refresh(m, core, registers, resetting)
        with m.If(registers.control_reset_asked):
            m.d.sync += resetting.eq(1)
        with m.Elif(~result_waits & ~request_waits):
            m.d.sync += resetting.eq(0)
        m.d.comb += registers.control_reset_busy.eq(resetting)

        refused = [each.short | each.long | each.null for each in (tokens, responses)]
        with m.If(resetting):
            m.d.sync += [registers.queries.eq(0), registers.results.eq(0), registers.refused.eq(0)]
        with m.Else():
            m.d.sync += [
                registers.queries.eq(registers.queries + (core.token.valid & core.token.ready)),
                registers.results.eq(registers.results + registers.cause_result_sent_set),
                registers.refused.eq(registers.refused + (refused[0] + refused[1])),
            ]
        pending = Cat(
            getattr(registers, f"cause_{name}") & getattr(registers, f"mask_{name}")
            for name in CAUSES
        )
        m.d.sync += self.irq.eq(pending.any())
        return m

    def _core(self, m: Module, resetting: Value) -> Any:
        """The core's ports; it is in reset while ``resetting``."""
        if self._core_module is None:
            m.submodules.core = ResetInserter(resetting)(self.inside)
            return self.inside
        ports: Any = self.inside.signature.create(path=("core",))
        sides = {
            f"{'i' if member.flow is In else 'o'}_{'__'.join(map(str, path))}": Value.cast(value)
            for path, member, value in self.inside.signature.flatten(ports)
        }
        clock = {"i_clk": ClockSignal(), "i_rst": ResetSignal() | resetting}
        m.submodules.core = Instance(self._core_module, **clock, **sides)
        return ports

    def _take_tokens(
        self, m: Module, core: Any, registers: RegisterFile, resetting: Value
    ) -> PacketReceiver:
        axi = self.s_axis_token
        m.submodules.token_receiver = tokens = PacketReceiver(
            bits=self.core.token_bits,
            few_bits=self.core.query_bits,
            beat_bits=len(axi.tdata),
            side_bits=FLAGS,
        )
        starts = Signal()
        begun = Signal()
        first = Signal()
        held_first = Signal()
        _receive(m, axi, tokens)
        m.d.comb += [
            first.eq(axi.tuser[0] | starts),
            tokens.beat.payload.side.eq(Cat(first, axi.tuser[1])),
            tokens.few.eq(axi.tuser[1] & ~first & begun),
            tokens.open.eq(registers.control_enable),
            tokens.abandon.eq(resetting),
            core.token.valid.eq(tokens.whole.valid & ~resetting),
            core.token.payload.as_value().eq(tokens.whole.payload.as_value()),
            tokens.whole.ready.eq(core.token.ready),
            registers.control_start_busy.eq(starts),
        ]
        with m.If(tokens.begins):
            m.d.sync += [held_first.eq(first), starts.eq(0)]
        with m.If(tokens.passes):
            m.d.sync += begun.eq(1)
        malformed = tokens.short | tokens.long | tokens.null
        # A start that is dropped with its packet is the next packet's.
        lost_start = malformed & Mux(tokens.begins, first, held_first)
        with m.If(registers.control_start_asked | lost_start):
            m.d.sync += starts.eq(1)
        with m.If(resetting):
            m.d.sync += begun.eq(0)
        _tell(m, registers, "token", tokens)
        return tokens

    def _send_results(
        self, m: Module, core: Any, registers: RegisterFile, resetting: Value
    ) -> Value:
        """Whether a beat waits to be taken."""
        axi, bits = self.m_axis_result, self.core.result_bits
        m.submodules.result_sender = results = Downsizer(bits=bits, beat_bits=len(axi.tdata))
        beat = results.beat
        m.d.comb += [
            results.whole.valid.eq(core.result.valid & ~resetting),
            results.whole.payload.eq(core.result.payload.as_value()),
            core.result.ready.eq(results.whole.ready & ~resetting),
            axi.tdata.eq(beat.payload.data),
            axi.tlast.eq(beat.payload.last),
            axi.tkeep.eq(Mux(beat.payload.last, last_bytes(bits, len(axi.tdata)), ~0)),
            axi.tvalid.eq(beat.valid),
            beat.ready.eq(axi.tready),
            registers.cause_result_sent_set.eq(axi.tvalid & axi.tready & axi.tlast),
        ]
        return beat.valid

    def _refresh(
        self, m: Module, core: Any, registers: RegisterFile, resetting: Value
    ) -> tuple[Value, PacketReceiver]:
        """Whether a request waits to be taken, and the responses."""
        m.submodules.response_tags = tags = ResponseTags()
        request, answer = self.m_axis_request, self.s_axis_response
        bits = WORD_BITS + TAG_BITS
        m.submodules.request_sender = requests = Downsizer(bits=bits, beat_bits=bits)
        asked = core.refresh_request.payload
        place = Signal(WORD_BITS)
        m.d.comb += [
            place[:PLACE_BITS].eq(asked.column),
            place[PLACE_BITS:].eq(asked.tile),
            requests.whole.payload.eq(Cat(place, asked.tag, tags.epoch)),
            requests.whole.valid.eq(core.refresh_request.valid & ~resetting),
            core.refresh_request.ready.eq(requests.whole.ready & ~resetting),
            Cat(request.tdata, request.tuser).eq(requests.beat.payload.data),
            request.tlast.eq(requests.beat.payload.last),
            request.tvalid.eq(requests.beat.valid),
            requests.beat.ready.eq(request.tready),
        ]
        m.submodules.response_receiver = responses = PacketReceiver(
            bits=self.core.stored_bits, beat_bits=len(answer.tdata), side_bits=TAG_BITS
        )
        _receive(m, answer, responses)
        m.d.comb += [
            tags.restart.eq(resetting),
            tags.asked.eq(request.tvalid & request.tready),
            tags.asked_tag.eq(request.tuser),
            tags.tag.eq(answer.tuser),
            tags.begins.eq(responses.begins),
            tags.answered.eq(responses.passes),
            responses.beat.payload.side.eq(answer.tuser),
            responses.open.eq(1),
            responses.unwanted.eq(~tags.waits),
            responses.abandon.eq(resetting),
            core.refresh_response.valid.eq(responses.whole.valid & ~resetting),
            # What does not fit is the upper part of the tag, which the core does not know.
            core.refresh_response.payload.as_value().eq(responses.whole.payload.as_value()),
            responses.whole.ready.eq(core.refresh_response.ready),
            registers.cause_response_unasked_set.eq(responses.forgets & ~tags.stale),
        ]
        _tell(m, registers, "response", responses)
        self._show_status(m, core.status, registers, resetting)
        return requests.beat.valid, responses

    def _show_status(
        self, m: Module, status: Any, registers: RegisterFile, resetting: Value
    ) -> None:
        dropped = Signal.like(status.dropped)
        m.d.sync += dropped.eq(Mux(resetting, 0, status.dropped))
        m.d.comb += [
            registers.fill.eq(status.fill),
            registers.refreshed.eq(status.refreshed),
            registers.dropped.eq(status.dropped),
            registers.worst_age.eq(status.worst_age),
            registers.cause_column_dropped_set.eq(~resetting & (status.dropped != dropped)),
        ]
        if len(status.worst_age) > WORD_BITS:
            with m.If(status.worst_age > LARGEST_WORD):
                m.d.comb += registers.worst_age.eq(LARGEST_WORD)


def _receive(m: Module, axi: Any, receiver: PacketReceiver) -> None:
    """Connect a stream, but for its TUSER."""
    beat = receiver.beat
    m.d.comb += [
        beat.valid.eq(axi.tvalid),
        axi.tready.eq(beat.ready),
        beat.payload.data.eq(axi.tdata),
        beat.payload.keep.eq(axi.tkeep),
        beat.payload.last.eq(axi.tlast),
    ]


def _tell(m: Module, registers: RegisterFile, name: str, receiver: PacketReceiver) -> None:
    """Set the causes of malformed packets."""
    for fault in ("short", "long", "null"):
        cause = getattr(registers, f"cause_{name}_{fault}_set")
        m.d.comb += cause.eq(getattr(receiver, fault))
