"""The digital control of one attention head."""

# amaranth: UnusedElaboratable=no
from amaranth import Cat, Module, Mux, Signal
from amaranth.hdl import Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from gaincell.config import HeadConfig
from gaincell.hdl.admission import Admission
from gaincell.hdl.layouts import (
    array_port,
    request_layout,
    response_layout,
    result_layout,
    status_port,
    token_layout,
)
from gaincell.hdl.query_pulses import QueryPulses
from gaincell.hdl.readout import READOUTS
from gaincell.hdl.readout.bit_planes import numbers_of
from gaincell.hdl.refresh.refresh import Refresh
from gaincell.hdl.result_queue import ResultQueue
from gaincell.hdl.sequencer import CONVERTER_PHASES, Sequencer
from gaincell.hdl.write_pointer import WritePointer
from gaincell.retention import Retention
from gaincell.schedule import Schedule


class Head(wiring.Component):
    """Takes tokens, drives the wires to the arrays, and returns the outputs of attention.

    Latency from accept to a valid result is ``config.latency_cycles``, and ``write_cycles`` more
    for a token that starts a sequence. While results are taken, a query is accepted every
    ``config.interval_cycles``; a refresh write can delay it. Each query has one result, in the
    order of queries. Reset abandons all queries in flight; the next token starts a sequence.

    Parameters
    ----------
    config : HeadConfig
    timing : Schedule, optional
        Offsets that the hardware follows; by default ``config.timing``. Another schedule makes a
        head that breaks the rules of its arrays, for tests that must notice it.
    retention : Retention, optional
        Plan of the refresh, likewise; by default ``config.retention``.

    Members
    -------
    token : In(stream of ``token_layout``)
        ``ready`` does not wait for ``valid``.
    result : Out(stream of ``result_layout``)
        ``valid`` does not wait for ``ready``; the payload holds while it waits.
    refresh_request : Out(stream of ``request_layout``)
        Columns whose codes are needed again; a column holds the token last accepted for it.
    refresh_response : In(stream of ``response_layout``)
        Each request is answered once, in any order, at any time. Without refresh in the config
        requests never come and responses are ignored.
    status : Out(``status_port``)
    array : Out(``array_port``)
    """

    def __init__(
        self,
        config: HeadConfig,
        *,
        timing: Schedule | None = None,
        retention: Retention | None = None,
    ) -> None:
        self.config = config
        self.timing = timing or config.timing
        self.retention = retention or config.retention
        super().__init__(
            {
                "token": In(stream.Signature(token_layout(config))),
                "result": Out(stream.Signature(result_layout(config))),
                "refresh_request": Out(stream.Signature(request_layout(config))),
                "refresh_response": In(stream.Signature(response_layout(config))),
                "status": Out(status_port(config)),
                "array": Out(array_port(config, self.timing.banks)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config, timing, token = self.config, self.timing, self.token.payload
        refreshes = self.retention is not None
        m.submodules.admission = admission = Admission(timing, refreshes=refreshes)
        m.submodules.sequencer = sequencer = Sequencer(timing, refreshes=refreshes)
        m.submodules.write_pointer = write_pointer = WritePointer(config)

        m.d.comb += [
            self.token.ready.eq(admission.ready),
            admission.offered.eq(self.token.valid),
            admission.first.eq(token.first),
            admission.further.eq(token.further),
            admission.deliver.eq(self.result.valid & self.result.ready),
            admission.newest_age.eq(sequencer.newest_age),
            sequencer.launch.eq(admission.launch),
            sequencer.launch_writes.eq(admission.launch_writes),
            sequencer.clear_launch.eq(admission.clear_launch),
            sequencer.clear_age.eq(admission.clear_age),
            write_pointer.advance.eq(admission.accept & admission.writes),
            write_pointer.first.eq(admission.starts_sequence),
        ]

        q_code = Signal.like(token.q, reset_less=True)
        k_code = Signal.like(token.k, reset_less=True)
        v_code = Signal.like(token.v, reset_less=True)
        with m.If(admission.accept):
            m.d.sync += q_code.eq(token.q)
            with m.If(admission.writes):
                m.d.sync += [k_code.eq(token.k), v_code.eq(token.v)]

        self._write_columns(m, admission, sequencer, write_pointer, k_code, v_code)
        self._convert(m, sequencer, q_code)
        return m

    def _write_columns(
        self,
        m: Module,
        admission: Admission,
        sequencer: Sequencer,
        pointer: WritePointer,
        k_code: Signal,
        v_code: Signal,
    ) -> None:
        """Drive the write ports: a new token, code 0 into all columns, or a refresh."""
        array, response = self.array, self.refresh_response
        refresh = None
        if self.retention is not None:
            refresh = Refresh(self.config, self.timing, self.retention)
            m.submodules.refresh = refresh
            m.d.comb += [
                refresh.advance.eq(admission.accept & admission.writes),
                refresh.first.eq(admission.starts_sequence),
                refresh.newest_tile.eq(pointer.ring_tile),
                refresh.newest_column.eq(pointer.column),
                refresh.fill.eq(pointer.fill),
                refresh.write_tile.eq(pointer.tile),
                refresh.launch.eq(admission.refresh_launch),
                admission.refresh_wanted.eq(refresh.wanted),
                admission.refresh_urgent.eq(refresh.urgent),
                admission.refresh_age.eq(refresh.age),
                sequencer.refresh_launch.eq(admission.refresh_launch),
                sequencer.refresh_age.eq(refresh.age),
                refresh.response_valid.eq(response.valid),
                refresh.response_tag.eq(response.payload.tag),
                response.ready.eq(refresh.response_ready),
            ]
            wiring.connect(m, wiring.flipped(self.refresh_request), refresh.request)
            wiring.connect(m, wiring.flipped(self.status), refresh.status)
        else:
            m.d.comb += [response.ready.eq(1), self.status.fill.eq(pointer.fill)]

        for name, code in (("k", k_code), ("v", v_code)):
            port = getattr(array, f"{name}_write")
            clear_starts = getattr(sequencer, f"{name}_clear_starts")
            refresh_starts = getattr(sequencer, f"{name}_refresh_starts")
            from_token = Signal(name=f"{name}_from_token")
            tile, column = pointer.next_tile, pointer.next_column
            written_again: Value | int = 0
            # Select and source of the codes come from flops that change when a write begins only.
            with m.If(getattr(sequencer, f"{name}_write_starts")):
                m.d.sync += from_token.eq(~(clear_starts | refresh_starts))
                if refresh is not None:
                    from_response = Signal(name=f"{name}_from_response")
                    m.d.sync += from_response.eq(refresh_starts & ~refresh.blank)
                    again = getattr(response.payload, name).as_value()
                    written_again = Mux(from_response, again, 0)
                    tile = Mux(refresh_starts, refresh.tile, tile)
                    column = Mux(refresh_starts, refresh.column, column)
                m.d.sync += [port.tile.eq(tile), port.column.eq(column)]
            m.d.comb += [
                port.enable.eq(getattr(sequencer, f"{name}_write")),
                port.broadcast.eq(getattr(sequencer, f"{name}_clear")),
                port.code.as_value().eq(Mux(from_token, code.as_value(), 0) | written_again),
            ]

    def _convert(self, m: Module, sequencer: Sequencer, q_code: Signal) -> None:
        """Query pulses to the arrays, output pulses from them, results to their queue."""
        config, array = self.config, self.array
        m.submodules.query_pulses = query_pulses = QueryPulses(config)
        m.submodules.readout = readout = READOUTS[config.readout](config)
        m.submodules.result_queue = result_queue = ResultQueue(
            width=config.result_width * config.head_dim, places=self.timing.result_places
        )
        m.d.comb += [getattr(array, name).eq(getattr(sequencer, name)) for name in CONVERTER_PHASES]
        m.d.comb += [
            query_pulses.start.eq(sequencer.query_start),
            query_pulses.code.eq(q_code),
            array.query.eq(query_pulses.pulse),
            readout.converting.eq(sequencer.v_convert.any()),
            readout.pulse.eq(array.pulse),
            readout.sign.eq(array.sign),
            result_queue.done.eq(readout.done),
            result_queue.total.eq(readout.total),
        ]
        planes = [
            result_queue.result.payload.word_select(bit, config.head_dim)
            for bit in range(config.result_width)
        ]
        m.d.comb += [
            self.result.valid.eq(result_queue.result.valid),
            self.result.payload.as_value().eq(Cat(numbers_of(planes))),
            result_queue.result.ready.eq(self.result.ready),
        ]
