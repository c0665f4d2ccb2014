"""Drives the enables of the arrays: each phase of each query, at fixed cycles after its launch."""

# amaranth: UnusedElaboratable=no
from amaranth import Cat, Module, Mux, Signal
from amaranth.hdl import Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from gaincell.schedule import Schedule

CONVERTER_PHASES = {
    "k_reset": "k_reset",
    "k_integrate": "qk",
    "k_convert": "av",
    "v_reset": "v_reset",
    "v_integrate": "av",
    "v_convert": "out",
}
"""Each enable of the converter stages, and the span of ``Schedule`` in which it is high."""
SAMPLING = {"v_sample": "sampled"}
"""Likewise of the readout, where it does not sample through all of OUT."""


class Sequencer(wiring.Component):
    """Runs every launched query through its phases at the offsets of ``timing``.

    For each query in flight a register counts its age: cycles since its launch, 0 after its last
    phase. The registers form a queue with the newest query first; a launch shifts it. With paired
    integrators the bank alternates from query to query.

    Each enable is a flop. It is set when an age reaches the start of its span and cleared at the
    end of the span: no analog step waits for a handshake. After reset no query is in flight.

    Parameters
    ----------
    timing : Schedule
    refreshes : bool
        The head refreshes its columns; otherwise it has no logic for it.

    Members
    -------
    launch : In(1)
        Cycle 0 of a query; at least the initiation interval after the one before.
    launch_writes : In(1)
        With ``launch``: the query brings a key and a value, which are written.
    clear_launch, refresh_launch : In(1)
        Cycle 0 of a clear and of a refresh. They are written at the offsets of a token.
    clear_age, refresh_age : In
        Cycles since then; 0: none.
    newest_age : Out
        Age of the latest query.
    query_start : Out(1)
        Query pulses begin in the next cycle.
    k_write, v_write : Out(1)
        Write enables.
    k_clear, v_clear : Out(1)
        The write is a broadcast of code 0.
    k_write_starts, v_write_starts : Out(1)
        A write begins in the next cycle.
    k_clear_starts, v_clear_starts : Out(1)
        It is such a broadcast.
    k_refresh_starts, v_refresh_starts : Out(1)
        It is a refresh: of the column under visit.
    k_reset, k_integrate, k_convert, v_reset, v_integrate, v_convert : Out(banks)
        Enables of the converter stages, one bit for each bank.
    v_sample : Out(banks)
        Output pulses are sampled. Only if they are not in all of OUT: else v_convert says so.
    """

    def __init__(self, timing: Schedule, *, refreshes: bool) -> None:
        self._timing = timing
        self._refreshes = refreshes
        banks = self._timing.banks
        self._phases = CONVERTER_PHASES | (SAMPLING if timing.late_cycles else {})
        write_age = range(self._timing.v_write.end + 1)
        super().__init__(
            {
                "launch": In(1),
                "launch_writes": In(1),
                "clear_launch": In(1),
                "clear_age": In(write_age),
                "refresh_launch": In(1),
                "refresh_age": In(write_age),
                "newest_age": Out(range(self._timing.out.end + 1)),
                "query_start": Out(1),
                "k_write": Out(1),
                "v_write": Out(1),
                "k_clear": Out(1),
                "v_clear": Out(1),
                "k_write_starts": Out(1),
                "v_write_starts": Out(1),
                "k_clear_starts": Out(1),
                "v_clear_starts": Out(1),
                "k_refresh_starts": Out(1),
                "v_refresh_starts": Out(1),
                **{enable: Out(banks) for enable in self._phases},
            }
        )

    @property
    def sampling(self) -> Value:
        """High in the cycles in which output pulses are sampled."""
        enable: Value = self.v_sample if "v_sample" in self._phases else self.v_convert
        return enable.any()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        timing = self._timing
        ages, banks, new_bank = self._shift_ages(m)

        # Decided from the ages of the cycle before. A launch arrives late in its cycle: only phases
        # that start right after it may depend on it.
        def becomes(launch: Value, since: Value, age: int) -> Value:
            return launch if age == 1 else since == age - 1

        def some_age_becomes(age: int) -> Value:
            return self.launch if age == 1 else Cat(each == age - 1 for each in ages).any()

        def some_age_in_bank_becomes(age: int, bank: int) -> Value:
            if age == 1:
                return self.launch & (new_bank == bank)
            in_bank = zip(ages, banks, strict=True)
            return Cat((each == age - 1) & (its_bank == bank) for each, its_bank in in_bank).any()

        def set_and_clear(flop: Value, start: Value, end: Value) -> None:
            with m.If(start):
                m.d.sync += flop.eq(1)
            with m.Elif(end):
                m.d.sync += flop.eq(0)

        # A write starts before the next launch: only the newest query can have that age.
        writes = Signal()
        with m.If(self.launch):
            m.d.sync += writes.eq(self.launch_writes)
        for name, span in (("k", timing.k_write), ("v", timing.v_write)):
            write, clear, write_starts, clear_starts, refresh_starts = (
                getattr(self, f"{name}_{part}")
                for part in ("write", "clear", "write_starts", "clear_starts", "refresh_starts")
            )
            if span.start == 1:
                token_starts = self.launch & self.launch_writes
            else:
                token_starts = (ages[0] == span.start - 1) & writes
            clear_ends = becomes(self.clear_launch, self.clear_age, span.end)
            ends = some_age_becomes(span.end) | clear_ends
            m.d.comb += clear_starts.eq(becomes(self.clear_launch, self.clear_age, span.start))
            if self._refreshes:
                launch, age = self.refresh_launch, self.refresh_age
                m.d.comb += refresh_starts.eq(becomes(launch, age, span.start))
                ends |= becomes(launch, age, span.end)
            m.d.comb += write_starts.eq(token_starts | clear_starts | refresh_starts)
            set_and_clear(clear, clear_starts, clear_ends)
            set_and_clear(write, write_starts, ends)

        for name, phase in self._phases.items():
            enable, span = getattr(self, name), getattr(timing, phase)
            for bank in range(timing.banks):
                set_and_clear(
                    enable[bank],
                    some_age_in_bank_becomes(span.start, bank),
                    some_age_in_bank_becomes(span.end, bank),
                )
        m.d.comb += self.query_start.eq(some_age_becomes(timing.qk.start))
        return m

    def _shift_ages(self, m: Module) -> tuple[list[Signal], list[Signal], Value]:
        """Ages and banks of the queries in flight, newest first, and the bank of a new one."""
        timing = self._timing
        last_age = timing.out.end
        ages, banks = [], []
        young_age: Value | int = 1
        young_bank = new_bank = Signal(name="new_bank")
        for place in range(-(-last_age // timing.interval_cycles)):
            age = Signal(range(last_age + 1), name=f"age_{place}")
            grown = Signal.like(age, name=f"grown_age_{place}")
            bank = Signal(name=f"bank_{place}")
            running = (age != 0) & (age != last_age)
            m.d.comb += grown.eq(Mux(running, age + 1, 0))
            m.d.sync += age.eq(Mux(self.launch, young_age, grown))
            with m.If(self.launch):
                m.d.sync += bank.eq(young_bank)
            if place == 0:
                m.d.comb += [
                    self.newest_age.eq(age),
                    new_bank.eq(~bank if timing.banks > 1 else 0),
                ]
            young_age, young_bank = grown, bank
            ages.append(age)
            banks.append(bank)
        return ages, banks, new_bank
