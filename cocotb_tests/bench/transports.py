"""Two ways to carry the array wires between simulator and Python; same pin model behind both."""

from typing import Protocol

from gaincell.behavioral.pins import ArrayPins, ElectricalError, Wires
from gaincell.cocotb_tests.bench.signals import Signals
from gaincell.cocotb_tests.bench.words import (
    IDLE_PORT,
    WireFormat,
    counted_widths,
    played_codes,
    with_code,
)
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
        self._control, self._query = signals.one("control"), signals.one("query")
        self._k_code, self._v_code = signals.one("k_code"), signals.one("v_code")
        self._pulse = signals.one("pulse_in")
        self._sign = signals.one("sign_in")
        self._cycle = signals.one("cycle")
        self._edge = signals.edge
        self._last_cycle = -1
        self._driven: tuple[int, int] = (-1, -1)
        self._every_cycle, self._toggle = signals.one("every_cycle"), signals.one("driven")
        self._changes = 0

    async def tick(self) -> None:
        await self.advance()

    def catch_up(self) -> None:
        pass

    async def advance(self) -> int:
        await self._edge
        # Every falling edge is seen: the cycle is read once and counted from then on.
        if self._last_cycle < 0:
            self._every_cycle.write(1)
            self._last_cycle = self._cycle.read() - 1
        cycle = self._last_cycle + 1
        self._last_cycle = cycle
        k, v, enables = self._format.parts(self._control.read())
        if k.enable:
            k = with_code(k, self._k_code.read())
        if v.enable:
            v = with_code(v, self._v_code.read())
        self._pins.step(Wires(k, v, self._query.read(), *enables), cycle)
        pulse, sign = outputs = self._pins.outputs()
        if outputs != self._driven:
            if pulse != self._driven[0]:
                self._pulse.write(pulse)
            if sign != self._driven[1]:
                self._sign.write(sign)
            self._driven = outputs
            self._changes ^= 1
            self._toggle.write(self._changes)
        return cycle


class FastTransport:
    """The test bench records what the wires do; Python replays it once per output phase."""

    def __init__(
        self, signals: Signals, pins: ArrayPins, config: HeadConfig, watchdog_cycles: int
    ) -> None:
        self._pins = pins
        self._config = config
        self._format = WireFormat(config)
        self._control_bits = self._format.control_bits
        self._entries = signals.many("transport.entries", ENTRIES)
        self._k_codes = signals.many("transport.entry_k_code", ENTRIES)
        self._v_codes = signals.many("transport.entry_v_code", ENTRIES)
        self._recorded = signals.one("transport.recorded")
        self._counted = signals.one("transport.counted")
        self._play, self._played = signals.one("transport.play"), signals.one("transport.played")
        self._cycle = signals.one("cycle")
        self._edge, self._wake = signals.edge, signals.wake
        self._replayed = self._plays = 0
        self._epoch = -1
        self._k = self._v = IDLE_PORT
        self._k_code = self._v_code = 0
        self._integrating = False
        signals.one("transport.watchdog").write(watchdog_cycles)

    async def tick(self) -> None:
        await self._edge

    async def advance(self) -> int:
        await self._wake
        self.catch_up()
        if self._pins.codes is not None:
            self._play.write(played_codes(*self._pins.codes, self._config))
            self._plays ^= 1
            self._played.write(self._plays)
        return self._cycle.read()

    def catch_up(self) -> None:
        recorded = self._recorded.read()
        if recorded - self._replayed > ENTRIES:
            raise RuntimeError(f"{recorded - self._replayed} wire changes in one output interval")
        counted = False
        while self._replayed < recorded:
            counted |= self._replay(self._replayed % ENTRIES, counted)
            self._replayed += 1

    def _replay(self, place: int, counted: bool) -> bool:
        """Replay one entry; return whether it ended a QK phase."""
        entry = self._entries[place].read()
        stamp = entry >> self._control_bits
        cycle, epoch, stray = stamp >> 2, stamp & 2, stamp & 1
        k, v, enables = self._format.parts(entry & (1 << self._control_bits) - 1)
        # Codes change under an enable only with the epoch.
        if k.enable:
            if not self._k.enable or epoch != self._epoch:
                self._k_code = self._k_codes[place].read()
            k = with_code(k, self._k_code)
        if v.enable:
            if not self._v.enable or epoch != self._epoch:
                self._v_code = self._v_codes[place].read()
            v = with_code(v, self._v_code)
        self._k, self._v, self._epoch = k, v, epoch
        integrates = bool(enables[1])
        ended = self._integrating and not integrates
        if ended:
            if counted:
                raise ElectricalError(f"cycle {cycle}: two QK phases end before any output phase")
            self._pins.count_pulses(counted_widths(self._counted.read(), self._config))
        self._integrating = integrates
        self._pins.step(Wires(k, v, stray, *enables), cycle)
        return ended
