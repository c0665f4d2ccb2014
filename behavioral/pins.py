"""The arrays seen from the wires: one call per clock cycle, every electrical rule enforced."""

from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral.arrays import AnalogHead, PoisonedRead
from gaincell.behavioral.cells import CellArray
from gaincell.behavioral.events import Events, event_log
from gaincell.behavioral.faults import Faults
from gaincell.behavioral.output_pulses import OutputPulses
from gaincell.config import HeadConfig


class ElectricalError(Exception):
    """The control broke a rule of the arrays; the message names the cycle and the resource."""


class WritePort(NamedTuple):
    """Wires of one column write. ``code`` packs D codes, dimension 0 in the lowest bits."""

    enable: int = 0
    broadcast: int = 0
    tile: int = 0
    column: int = 0
    code: int = 0


class Wires(NamedTuple):
    """All wires to the arrays in one cycle; enables of converters have one bit per bank.

    ``query`` packs the D query pulses, dimension 0 in the lowest bit.
    """

    k: WritePort = WritePort()
    v: WritePort = WritePort()
    query: int = 0
    k_reset: int = 0
    k_integrate: int = 0
    k_convert: int = 0
    v_reset: int = 0
    v_integrate: int = 0
    v_convert: int = 0


class ArrayPins:
    """An ``AnalogHead`` behind its wires.

    ``step`` takes the wires of the next cycle; ``outputs`` then gives the wires back to the
    control. The model integrates the pulses on the wires and nothing else.

    Rules, each an ``ElectricalError`` naming the cycle unless said otherwise:

    - a write whose enable, select and codes are not stable for ``write_cycles`` poisons its cells
      (no error until they are read)
    - a write names a column that exists
    - an array is not written while it is read, and read by one bank at a time
    - an integrator does one thing at a time: reset, integrate or convert
    - a reset shorter than ``reset_cycles`` leaves charge behind (no error, a wrong result)
    - query pulses come only while a K integrator integrates
    - a V integrator integrates exactly while a K integrator converts
    - output pulses of one bank at a time
    """

    def __init__(
        self,
        config: HeadConfig,
        faults: Faults | None = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.config = config
        self.analog = AnalogHead(config, faults, rng)
        self.cycle = -1
        """The cycle of the latest ``step``; the first is 0."""
        self.codes: tuple[NDArray[np.int64], NDArray[np.bool_]] | None = None
        """(tiles, D) magnitudes and signs of the output phase that the latest step began."""
        self._wires = Wires()
        self._since: dict[str, int] = dict.fromkeys(("k", "v", *_ENABLES), 0)
        self._output_pulses = OutputPulses(config)
        self.forget_pulses_and_log()

    def forget_pulses_and_log(self) -> None:
        """Start the event log anew, as after a reset of the control; cells keep their charge."""
        self._widths: NDArray[np.int64] = np.zeros(self.config.head_dim, dtype=np.int64)
        self._pulse_runs: list[bytes] = []
        self._events: list[tuple[int, str, str, int, int]] = []
        self._written = {"K": -1, "V": -1}
        self._read = {"K": -1, "V": -1}

    @property
    def events(self) -> Events:
        """The event log so far; tokens are numbered in the order of their writes."""
        return event_log(self._events)

    def outputs(self) -> tuple[int, int]:
        """Pulse and sign wires in the latest step's cycle: D bits each, sub-tile by sub-tile."""
        return self._output_pulses.at(self.cycle)

    def count_pulses(self, width_cycles: NDArray[np.integer]) -> None:
        """Add pulses (D,) that were counted outside while a K integrator integrated."""
        self._widths += width_cycles

    def step(self, wires: Wires, cycle: int | None = None) -> None:
        """The wires in ``cycle``, by default the next one.

        Cycles may be left out while no wire changes and no query pulse is high.

        Raises
        ------
        ElectricalError
            The wires break a rule.
        """
        self.cycle = self.cycle + 1 if cycle is None else cycle
        self.codes = None
        before, self._wires = self._wires, wires
        if wires[:2] != before[:2] or wires[3:] != before[3:]:
            self._change(before, wires)
        if not wires.v_convert and before.v_convert:
            self._output_pulses.end(self.cycle)
        if wires.query:
            if not wires.k_integrate:
                self._fail("query pulses outside an integrate window of the K integrators")
            self._pulse_runs.append(wires.query.to_bytes(-(-self.config.head_dim // 8), "little"))

    def _change(self, before: Wires, now: Wires) -> None:
        """Finish what ended with the cycle before, check the wires, start what begins."""
        k_changed, v_changed = before.k != now.k, before.v != now.v
        if k_changed:
            self._end_write("k", before.k)
        if v_changed:
            self._end_write("v", before.v)
        changed = [
            name for name, old, new in zip(_ENABLES, before[3:], now[3:], strict=True) if old != new
        ]
        for name in changed:
            if ended := getattr(before, name) & ~getattr(now, name):
                self._end_phase(name, ended, before)
        self._check(before, now)
        if k_changed:
            self._since["k"] = self.cycle
        if v_changed:
            self._since["v"] = self.cycle
        for name in changed:
            if begun := getattr(now, name) & ~getattr(before, name):
                self._since[name] = self.cycle
                self._begin_phase(name, begun)

    def _check(self, before: Wires, now: Wires) -> None:
        for name in ("k", "v"):
            port: WritePort = getattr(now, name)
            if port.enable and not port.broadcast and not self._exists(port):
                self._fail(
                    f"{name.upper()} write to sub-tile {port.tile}, column {port.column}, "
                    "which does not exist"
                )
        if now.k.enable and now.k_integrate:
            self._fail("the K array is written while it is read")
        if now.v.enable and now.v_integrate:
            self._fail("the V array is written while it is read")
        for name in ("k_integrate", "k_convert", "v_integrate", "v_convert"):
            if getattr(now, name) & (getattr(now, name) - 1):
                self._fail(f"both banks drive {name} at once")
        if (now.k_reset & now.k_integrate) | ((now.k_reset | now.k_integrate) & now.k_convert):
            self._fail("a K integrator is used twice at once")
        if (now.v_reset & now.v_integrate) | ((now.v_reset | now.v_integrate) & now.v_convert):
            self._fail("a V integrator is used twice at once")
        phi_changes = before.k_convert != now.k_convert
        window_changes = before.v_integrate != now.v_integrate
        if phi_changes != window_changes or bool(now.k_convert) != bool(now.v_integrate):
            self._fail("phi pulses and the V integrators' window do not coincide")

    def _end_write(self, name: str, port: WritePort) -> None:
        if not port.enable:
            return
        array = self.analog.k if name == "k" else self.analog.v
        slot = -1 if port.broadcast else port.tile * self.config.columns + port.column
        if self.cycle - self._since[name] < self.config.write_cycles:
            touched = np.flatnonzero(array.exists) if port.broadcast else np.array([slot])
            array.poison(touched)
            return
        codes = unpack_codes(port.code, self.config.head_dim, array.code_max.bit_length())
        if port.broadcast:
            self.analog.write_all(array, codes, self.cycle)
            self._log(array, "clear", slot, -1)
        else:
            self.analog.write_column(array, slot, codes, self.cycle)
            self._written[array.name] += 1
            self._log(array, "write", slot, self._written[array.name])

    def _begin_read(self, name: str) -> None:
        self._read[name] += 1
        self._events.append((self.cycle, name, "read", -1, self._read[name]))

    def _end_phase(self, name: str, banks: int, before: Wires) -> None:
        cycles = self.cycle - self._since[name]
        if name.endswith("reset"):
            left = max(0.0, 1 - cycles / self.config.reset_cycles)
            empty = self.analog.reset_scores if name == "k_reset" else self.analog.reset_outputs
            for bank in _banks(banks):
                empty(bank, left)
        elif name == "k_integrate":
            self.analog.integrate_scores(_bank(banks), self._take_widths(), self._since[name])
        elif name == "v_integrate":
            self.analog.integrate_outputs(
                _bank(before.k_convert), _bank(banks), cycles, self._since[name]
            )

    def _begin_phase(self, name: str, banks: int) -> None:
        if name == "k_integrate":
            self._begin_read("K")
        elif name == "v_integrate":
            self._begin_read("V")
        elif name == "v_convert":
            try:
                magnitude, negative = self.codes = self.analog.convert(_bank(banks))
            except PoisonedRead as error:
                self._fail(str(error))
            self._output_pulses.begin(magnitude, negative, self.cycle)

    def _take_widths(self) -> NDArray[np.int64]:
        dims = self.config.head_dim
        seen = np.frombuffer(b"".join(self._pulse_runs), dtype=np.uint8)
        bits = np.unpackbits(seen.reshape(-1, -(-dims // 8)), axis=1, bitorder="little")
        widths: NDArray[np.int64] = self._widths + bits[:, :dims].sum(axis=0, dtype=np.int64)
        self._pulse_runs.clear()
        self._widths[:] = 0
        return widths

    def _exists(self, port: WritePort) -> bool:
        columns = self.config.columns
        if port.column >= columns or port.tile >= self.config.tiles:
            return False
        return bool(self.analog.k.exists[port.tile * columns + port.column])

    def _log(self, array: CellArray, kind: str, slot: int, token: int) -> None:
        self._events.append((self.cycle, array.name, kind, slot, token))

    def _fail(self, reason: str) -> NoReturn:
        raise ElectricalError(f"cycle {self.cycle}: {reason}")


_ENABLES = ("k_reset", "k_integrate", "k_convert", "v_reset", "v_integrate", "v_convert")


def unpack_codes(packed: int, count: int, width: int) -> NDArray[np.int64]:
    """The ``count`` unsigned codes of ``width`` bits in ``packed``, lowest bits first: (count,)."""
    codes: NDArray[np.int64]
    raw = np.frombuffer(packed.to_bytes(-(-count * width // 8), "little"), dtype=np.uint8)
    bits = np.unpackbits(raw, bitorder="little")[: count * width].reshape(count, width)
    codes = bits @ (1 << np.arange(width))
    return codes


def pack_codes(codes: Any, width: int) -> int:
    """Inverse of ``unpack_codes`` for any sequence of codes."""
    return sum(int(code) << (width * place) for place, code in enumerate(codes))


def _banks(mask: int) -> Iterator[int]:
    return (bank for bank in range(2) if mask >> bank & 1)


def _bank(mask: int) -> int:
    return next(_banks(mask))
