"""The digital control of attention heads in lock step."""

# amaranth: UnusedElaboratable=no
from collections.abc import Sequence
from functools import reduce
from operator import and_
from typing import Any

from amaranth import Cat, Module, Mux, Signal
from amaranth.hdl import Value, ValueCastable
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from gaincell.core.config import CoreConfig
from gaincell.hdl.admission import Admission
from gaincell.hdl.core.group import PlacedGroup
from gaincell.hdl.core.group_parts import GroupParts
from gaincell.hdl.core.whole_streams import (
    stream_layouts,
    whole_responses,
    whole_results,
    whole_tokens,
)
from gaincell.hdl.layouts import array_port, request_layout, status_port
from gaincell.hdl.refresh.refresh import Refresh
from gaincell.hdl.sequencer import CONVERTER_PHASES, Sequencer
from gaincell.hdl.write_pointer import WritePointer
from gaincell.retention import Retention
from gaincell.schedule import Schedule

Groups = Sequence[GroupParts | PlacedGroup]


class AttentionCore(wiring.Component):
    """Takes tokens, drives the wires to the arrays, and returns the outputs of attention.

    One admission, sequencer, write pointer and refresh serve all heads. No digital operation mixes
    dimensions, so heads in lock step are one head with the dimensions of all: ``core.lock_step``.
    A token brings a query, key and value for every group of heads; ``further`` queries are those
    of the other heads of each group. Each query has one result, in the order of queries.

    Latency from accept to a valid result is ``config.latency_cycles``, and ``write_cycles`` more
    for a token that starts a sequence. While results are taken, a query is accepted every
    ``config.interval_cycles``; a refresh write can delay it. Beats come on top: a query can be
    accepted in the cycle after its last beat, and the first beat of a result is valid in the cycle
    after the result would be. Reset abandons all queries in flight and the beats of unfinished
    transfers; the next token starts a sequence.

    Parameters
    ----------
    core : CoreConfig
    timing : Schedule, optional
        Offsets that the hardware follows; by default those of the heads. Another schedule makes a
        core that breaks the rules of its arrays, for tests that must notice it.
    retention : Retention, optional
        Plan of the refresh, likewise.
    group_module : str, optional
        Several groups are instances of a module of this name, which is a ``Group`` converted
        elsewhere; by default each is a submodule.

    Members
    -------
    token : In(stream of ``token_layout``, or of ``token_beat_layout``)
        ``ready`` does not wait for ``valid``.
    result : Out(stream of ``result_layout``, or of ``result_beat_layout``)
        ``valid`` does not wait for ``ready``; the payload holds while it waits.
    refresh_request : Out(stream of ``request_layout``)
        Columns whose codes are needed again; a column holds the token last accepted for it.
    refresh_response : In(stream of ``response_layout``, or of ``response_beat_layout``)
        Each request is answered once, in any order, at any time. Without refresh in the config
        requests never come and responses are ignored.
    status : Out(``status_port``)
    array : Out(``array_port``)
        Codes and query pulses of group 0 are lowest; so are pulses and signs of all its sub-tiles.
    """

    def __init__(
        self,
        core: CoreConfig,
        *,
        timing: Schedule | None = None,
        retention: Retention | None = None,
        group_module: str | None = None,
    ) -> None:
        self.core = core
        self._group_module = group_module
        self.config = config = core.lock_step
        self.timing = timing or config.timing
        self.retention = retention or config.retention

        token, result, response = stream_layouts(core)
        super().__init__(
            {
                "token": In(stream.Signature(token)),
                "result": Out(stream.Signature(result)),
                "refresh_request": Out(stream.Signature(request_layout(config))),
                "refresh_response": In(stream.Signature(response)),
                "status": Out(status_port(config)),
                "array": Out(array_port(config, self.timing.banks)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        timing = self.timing
        tokens = whole_tokens(m, self.core, self.token)
        responses = whole_responses(m, self.core, self.refresh_response)
        results = whole_results(m, self.core, self.result)
        token = tokens.payload
        refreshes = self.retention is not None
        m.submodules.admission = admission = Admission(timing, refreshes=refreshes)
        m.submodules.sequencer = sequencer = Sequencer(timing, refreshes=refreshes)
        m.submodules.write_pointer = write_pointer = WritePointer(self.config)

        m.d.comb += [
            tokens.ready.eq(admission.ready),
            admission.offered.eq(tokens.valid),
            admission.first.eq(token.first),
            admission.further.eq(token.further),
            admission.deliver.eq(results.valid & results.ready),
            admission.newest_age.eq(sequencer.newest_age),
            sequencer.launch.eq(admission.launch),
            sequencer.launch_writes.eq(admission.launch_writes),
            sequencer.clear_launch.eq(admission.clear_launch),
            sequencer.clear_age.eq(admission.clear_age),
            write_pointer.advance.eq(admission.accept & admission.writes),
            write_pointer.first.eq(admission.starts_sequence),
        ]

        groups = self._groups(m)
        for number, group in enumerate(groups):
            codes = {name: self._part(getattr(token, name), number) for name in ("q", "k", "v")}
            group.load(admission.accept, admission.writes, codes)
        self._write_columns(m, admission, sequencer, write_pointer, groups, responses)
        self._convert(m, sequencer, groups, results)
        return m

    def _groups(self, m: Module) -> Groups:
        """The hardware of each group, in a module of its own if there are several."""
        core, places = self.core, self.timing.result_places
        if core.groups == 1:
            return [GroupParts(m, core.head, places)]
        return [
            PlacedGroup(m, f"group_{number}", core.head, places, self._group_module)
            for number in range(core.groups)
        ]

    def _part(self, wires: ValueCastable | Value, number: int) -> Value:
        """The bits of one group."""
        wires = Value.cast(wires)
        if self.core.groups == 1:
            return wires
        width = len(wires) // self.core.groups
        return wires[number * width : (number + 1) * width]

    def _write_columns(
        self,
        m: Module,
        admission: Admission,
        sequencer: Sequencer,
        pointer: WritePointer,
        groups: Groups,
        response: Any,
    ) -> None:
        """Drive the write ports: a new token, code 0 into all columns, or a refresh."""
        array = self.array
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

        for name in ("k", "v"):
            port = getattr(array, f"{name}_write")
            clear_starts = getattr(sequencer, f"{name}_clear_starts")
            refresh_starts = getattr(sequencer, f"{name}_refresh_starts")
            from_token = Signal(name=f"{name}_from_token")
            tile, column = pointer.next_tile, pointer.next_column
            from_response = None
            # Select and source of the codes come from flops that change when a write begins only.
            with m.If(getattr(sequencer, f"{name}_write_starts")):
                m.d.sync += from_token.eq(~(clear_starts | refresh_starts))
                if refresh is not None:
                    from_response = Signal(name=f"{name}_from_response")
                    m.d.sync += from_response.eq(refresh_starts & ~refresh.blank)
                    tile = Mux(refresh_starts, refresh.tile, tile)
                    column = Mux(refresh_starts, refresh.column, column)
                m.d.sync += [port.tile.eq(tile), port.column.eq(column)]
            again = getattr(response.payload, name)
            codes = [
                group.write_code(name, from_token, from_response, self._part(again, number))
                for number, group in enumerate(groups)
            ]
            m.d.comb += [
                port.enable.eq(getattr(sequencer, f"{name}_write")),
                port.broadcast.eq(getattr(sequencer, f"{name}_clear")),
                port.code.as_value().eq(Cat(codes)),
            ]

    def _convert(
        self,
        m: Module,
        sequencer: Sequencer,
        groups: Groups,
        results: Any,
    ) -> None:
        """Query pulses to the arrays, output pulses from them, results of all groups."""
        array = self.array
        m.d.comb += [getattr(array, name).eq(getattr(sequencer, name)) for name in CONVERTER_PHASES]
        for group in groups:
            group.pulse_queries(sequencer.query_start)
        m.d.comb += array.query.eq(Cat(group.query for group in groups))
        for number, group in enumerate(groups):
            pulse, sign = (self._part(wires, number) for wires in (array.pulse, array.sign))
            group.read_out(sequencer.sampling, pulse, sign)
        valid, outputs = zip(*(group.result for group in groups), strict=True)
        m.d.comb += [
            # Groups are in step: they all have a result, or none has.
            results.valid.eq(reduce(and_, valid)),
            results.payload.as_value().eq(Cat(outputs)),
        ]
        for group in groups:
            group.take(results.ready)
