"""Two ways to carry the array wires between simulator and Python; same pin model behind both."""

from typing import Protocol

from gaincell.behavioral.pins import ArrayPins, ElectricalError, Wires
from gaincell.cocotb_tests.bench.signals import Signals, word
from gaincell.cocotb_tests.bench.words import WireFormat, counted_widths, played_codes
from gaincell.config import HeadConfig

TRANSPORTS = ("fast", "per-ns")
ENTRIES = 64


class Transport(Protocol):
    """Lets the arrays take part in the simulation."""

    async def tick(self) -> None:
        """Let one clock cycle pass; the arrays need not answer yet."""

    async def advance(self) -> int:
        """Let time pass until the arrays had something to do; return the current cycle."""

    def catch_up(self) -> None:
        """Let the arrays see what the wires did until now, as before a reset is forgotten."""


class PerNsTransport:
    """Python sees and drives every wire in every cycle, at the falling edge of the clock."""

    def __init__(self, signals: Signals, pins: ArrayPins, config: HeadConfig) -> None:
        self._pins = pins
        self._format = WireFormat(config)
        self._wires = signals.one("wires")
        self._pulse = signals.one("pulse_in")
        self._sign = signals.one("sign_in")
        self._cycle = signals.one("cycle")
        self._edge = signals.edge
        self._outputs = f"0{config.tiles * config.head_dim}b"
        self._last_text = ""
        self._last_cycle = -1
        self._now = Wires()
        self._driven: tuple[int, int] = (-1, -1)
        self._every_cycle = signals.one("every_cycle")

    async def tick(self) -> None:
        await self.advance()

    def catch_up(self) -> None:
        pass

    async def advance(self) -> int:
        await self._edge
        # Every falling edge is seen: the cycle is read once and counted from then on.
        if self._last_cycle < 0:
            self._every_cycle.write("1")
            self._last_cycle = int(self._cycle.read(), 2) - 1
        cycle = self._last_cycle + 1
        self._last_cycle = cycle
        text = self._wires.read()
        if text != self._last_text:
            self._now = self._parsed(text)
            self._last_text = text
        self._pins.step(self._now, cycle)
        pulse, sign = outputs = self._pins.outputs()
        if outputs != self._driven:
            if pulse != self._driven[0]:
                self._pulse.write(format(pulse, self._outputs))
            if sign != self._driven[1]:
                self._sign.write(format(sign, self._outputs))
            self._driven = outputs
        return cycle

    def _parsed(self, text: str) -> Wires:
        """The wires in ``text``; while only query pulses change, the others are not parsed anew."""
        codes_at = self._format.control_bits
        query_at = codes_at + self._format.codes_bits
        if text[:query_at] == self._last_text[:query_at]:
            return self._format.with_query(self._now, text[query_at:])
        return self._format.wires(text[:codes_at], text[codes_at:query_at], text[query_at:])


class FastTransport:
    """The test bench records what the wires do; Python replays it once per output phase."""

    def __init__(
        self, signals: Signals, pins: ArrayPins, config: HeadConfig, watchdog_cycles: int
    ) -> None:
        self._pins = pins
        self._config = config
        self._format = WireFormat(config)
        self._entries = signals.many("transport.entries", ENTRIES)
        self._codes = signals.many("transport.entry_codes", ENTRIES)
        self._recorded = signals.one("transport.recorded")
        self._counted = signals.one("transport.counted")
        self._play = signals.one("transport.play")
        self._cycle = signals.one("cycle")
        self._edge, self._wake = signals.edge, signals.wake
        self._replayed = 0
        self._last_writes = ""
        self._last_codes = ""
        self._integrating = False
        signals.one("transport.watchdog").write(word(watchdog_cycles))

    async def tick(self) -> None:
        await self._edge

    async def advance(self) -> int:
        await self._wake
        self.catch_up()
        if self._pins.codes is not None:
            self._play.write(played_codes(*self._pins.codes, self._config))
        return int(self._cycle.read(), 2)

    def catch_up(self) -> None:
        recorded = int(self._recorded.read(), 2)
        if recorded - self._replayed > ENTRIES:
            raise RuntimeError(f"{recorded - self._replayed} wire changes in one output interval")
        counted = False
        while self._replayed < recorded:
            counted |= self._replay(self._replayed % ENTRIES, counted)
            self._replayed += 1

    def _replay(self, index: int, counted: bool) -> bool:
        """Replay one entry; return whether it ended a QK phase."""
        text = self._entries[index].read()
        cycle, epoch, stray, control = int(text[:32], 2), text[32], text[33], text[34:]
        writes = epoch + control
        if "1" in (control[0], control[2]) and writes != self._last_writes:
            self._last_codes = self._codes[index].read()
        self._last_writes = writes
        wires = self._format.wires(control, self._last_codes, stray)
        ended = self._integrating and not wires.k_integrate
        if ended:
            if counted:
                raise ElectricalError(f"cycle {cycle}: two QK phases end before any output phase")
            self._pins.count_pulses(counted_widths(self._counted.read(), self._config))
        self._integrating = bool(wires.k_integrate)
        self._pins.step(wires, cycle)
        return ended
