"""Visits the columns in turn, so that no cell is read after its value has leaked too far."""

# amaranth: UnusedElaboratable=no
from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from gaincell.config import HeadConfig
from gaincell.hdl.layouts import TAGS, index_shape, request_layout, status_port
from gaincell.hdl.refresh.column_requests import ColumnRequests
from gaincell.hdl.refresh.held_columns import HeldColumns
from gaincell.hdl.refresh.refresh_timer import RefreshTimer
from gaincell.hdl.refresh.young_columns import YoungColumns
from gaincell.hdl.write_age import write_age
from gaincell.retention import Retention
from gaincell.schedule import Schedule


class Refresh(wiring.Component):
    """Visits every column in turn and writes it again unless it is young.

    - A column with a token: its codes are requested on ``request``. The column is written with the
      response that carries the tag of the request.
    - If the response has not come when patience ends, the column is dropped: it is cleared and
      counted. Its next visit asks for its codes again.
    - An empty column is cleared.

    A visit ends early when a token overwrites the column or a sequence starts. Late responses are
    taken and ignored. The response that is written is taken in the last cycle of its write: its
    codes go straight from the stream to the arrays.

    Parameters
    ----------
    config : HeadConfig
    timing : Schedule
    plan : Retention

    Members
    -------
    advance : In(1)
        A token with key and value is accepted in this cycle.
    first : In(1)
        With ``advance``: it starts a sequence.
    newest_tile, newest_column, fill, write_tile : In
        From ``WritePointer``; ``write_tile`` is its ``tile``.
    request : Out(stream of ``request_layout``)
    response_valid, response_ready, response_tag : In(1), Out(1), In
        The stream of ``response_layout``; its payload must not change while it waits. ``ready``
        depends on neither ``valid`` nor payload of the same cycle.
    wanted : Out(1)
        A column is ready to be written.
    urgent : Out(1)
        With ``wanted``: no token may be accepted before the write.
    launch : In(1)
        The write is launched in this cycle; only while ``wanted``.
    age : Out
        Cycles since the launch; 0 while nothing is written.
    tile, column : Out
        The column under visit; hold during a write.
    blank : Out(1)
        The write under way, or wanted, is of code 0.
    status : Out(``status_port``)
    """

    def __init__(self, config: HeadConfig, timing: Schedule, plan: Retention) -> None:
        self._config = config
        self._timing = timing
        self._plan = plan
        age = range(timing.v_write.end + 1)
        super().__init__(
            {
                "advance": In(1),
                "first": In(1),
                "newest_tile": In(index_shape(config.ring_tiles)),
                "newest_column": In(index_shape(config.columns)),
                "fill": In(range(config.stored_columns + 1)),
                "write_tile": In(index_shape(config.tiles)),
                "request": Out(stream.Signature(request_layout(config))),
                "response_valid": In(1),
                "response_ready": Out(1),
                "response_tag": In(index_shape(TAGS)),
                "wanted": Out(1),
                "urgent": Out(1),
                "launch": In(1),
                "age": Out(age),
                "tile": Out(index_shape(config.tiles)),
                "column": Out(index_shape(config.columns)),
                "blank": Out(1),
                "status": Out(status_port(config)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.refresh_timer = timer = RefreshTimer(self._config, self._plan)
        m.submodules.young_columns = young = YoungColumns(self._config)
        m.submodules.held_columns = held = HeldColumns(self._config)
        m.submodules.column_requests = requests = ColumnRequests(self._config)
        self._connect(m, timer, young, held, requests)

        written = Signal()
        overwritten = Signal()
        m.d.sync += written.eq(self.advance)
        m.d.comb += [
            overwritten.eq(
                written & (self.write_tile == self.tile) & (self.newest_column == self.column)
            ),
        ]

        age = write_age(m, self.launch, self._timing)
        last_cycle = Signal()
        arrived = Signal()
        m.d.comb += [
            self.age.eq(age),
            last_cycle.eq(age == self._timing.v_write.end - 1),
            arrived.eq(self.response_valid & (self.response_tag == requests.tag)),
        ]

        def end_if_overwritten() -> None:
            with m.If(overwritten | (self.advance & self.first)):
                m.next = "OVER"

        # A token of the cycle before may have overwritten the column.
        may_give_up = Signal()
        give_up = Signal()
        m.d.comb += may_give_up.eq(timer.late & ~written)
        with m.FSM(name="visit") as visit:
            with m.State("OVER"):
                with m.If((timer.elapsed == 0) & (self.fill != 0)):
                    m.next = "LOOK"
                end_if_overwritten()
            with m.State("LOOK"):
                with m.If(Mux(held.holds, young.young, young.cleared)):
                    m.next = "OVER"
                with m.Elif(held.holds):
                    m.next = "ASK"
                with m.Else():
                    m.next = "CLEAR"
                end_if_overwritten()
            with m.State("ASK"):
                m.d.comb += [requests.ask.eq(~timer.late), give_up.eq(may_give_up)]
                with m.If(requests.asked):
                    m.next = "WAIT"
                with m.Elif(give_up):
                    m.next = "CLEAR"
                end_if_overwritten()
            with m.State("WAIT"):
                m.d.comb += [self.wanted.eq(arrived), give_up.eq(may_give_up & ~arrived)]
                with m.If(self.launch):
                    m.next = "WRITE"
                with m.Elif(give_up):
                    m.next = "CLEAR"
                end_if_overwritten()
            with m.State("CLEAR"):
                m.d.comb += [self.wanted.eq(1), self.blank.eq(1)]
                with m.If(self.launch):
                    m.next = "WRITE ZERO"
                end_if_overwritten()
            with m.State("WRITE"), m.If(last_cycle):
                m.next = "OVER"
            with m.State("WRITE ZERO"):
                m.d.comb += self.blank.eq(1)
                with m.If(last_cycle):
                    m.next = "OVER"

            waits = visit.ongoing("WAIT")
            writes_data, writes_zero = visit.ongoing("WRITE"), visit.ongoing("WRITE ZERO")

        # ``ready`` follows from flops alone, so a visit that waits takes a late response a cycle
        # after it is offered.
        is_late = Signal()
        m.d.sync += is_late.eq(waits & self.response_valid & ~arrived & ~is_late)
        m.d.comb += [
            self.urgent.eq(timer.late & self.wanted),
            self.response_ready.eq(Mux(waits, is_late, ~writes_data | last_cycle)),
            requests.answered.eq(self.response_valid & self.response_ready),
            requests.answered_tag.eq(self.response_tag),
        ]

        status = self.status
        with m.If(writes_data & last_cycle):
            m.d.sync += status.refreshed.eq(status.refreshed + 1)
        with m.If(give_up):
            m.d.sync += status.dropped.eq(status.dropped + 1)
        longest = Signal.like(timer.elapsed)
        with m.If((writes_data | writes_zero) & last_cycle & (timer.elapsed > longest)):
            m.d.sync += longest.eq(timer.elapsed)
        before = self._plan.young_cycles + self._plan.sweep_cycles + 1
        m.d.comb += [
            status.fill.eq(self.fill),
            status.worst_age.eq(Mux(longest == 0, 0, before + longest)),
        ]
        return m

    def _connect(
        self,
        m: Module,
        timer: RefreshTimer,
        young: YoungColumns,
        held: HeldColumns,
        requests: ColumnRequests,
    ) -> None:
        """Wires between the components, and from the ports to them."""
        m.d.comb += [
            young.advance.eq(self.advance),
            young.first.eq(self.first),
            young.segment_ends.eq(timer.segment_ends),
            held.fill.eq(self.fill),
            self.tile.eq(timer.tile),
            self.column.eq(timer.column),
        ]
        for each in (young, held):
            m.d.comb += [
                each.newest_tile.eq(self.newest_tile),
                each.newest_column.eq(self.newest_column),
                each.tile.eq(timer.tile),
                each.column.eq(timer.column),
            ]
        m.d.comb += [
            requests.tile.eq(timer.tile),
            requests.column.eq(timer.column),
        ]
        wiring.connect(m, wiring.flipped(self.request), requests.request)
