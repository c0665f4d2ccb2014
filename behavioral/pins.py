"""The arrays behind their wires: one call per clock cycle, with every electrical rule checked."""

from functools import cache
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral.ahead.block import Pulses
from gaincell.behavioral.arrays import AnalogHead, PoisonedRead
from gaincell.behavioral.cells.cell_array import CellArray
from gaincell.behavioral.events import Events
from gaincell.behavioral.faults import Faults
from gaincell.behavioral.output_pulses import OutputPulses
from gaincell.behavioral.tokens import Tokens
from gaincell.behavioral.wires import ENABLES, Wires, WritePort, pack_codes, unpack_codes
from gaincell.behavioral.write_log import WriteLog
from gaincell.config import HeadConfig

__all__ = ["ArrayPins", "ElectricalError", "Wires", "WritePort", "pack_codes", "unpack_codes"]


class ElectricalError(Exception):
    """The control broke a rule of the arrays; the message names the cycle and the resource."""


class ArrayPins:
    """An ``AnalogHead`` behind its wires.

    ``step`` takes the wires of the next cycle; ``outputs`` then gives the wires back to the
    control. The model integrates the pulses on the wires and nothing else.

    The write of a token ends in the cycle in which its array begins to be read. Any other write of
    a single column is a refresh, or a clear, as ``WriteLog.add_rewrite`` tells them apart.

    Rules, each an ``ElectricalError`` naming the cycle unless said otherwise:

    - a write whose enable, select and codes are not stable for ``write_cycles`` poisons its cells
      (no error until they are read)
    - an enable is low for a cycle between two writes of an array
    - a write names a column that exists
    - only a column that holds a token is refreshed
    - an array is not written while it is read, and read by one bank at a time
    - no column of an array, empty ones included, is older than ``bound_cycles`` when a read begins
    - an integrator does one thing at a time: reset, integrate or convert
    - a reset shorter than ``reset_cycles`` leaves charge behind (no error, a wrong result)
    - query pulses come only while a K integrator integrates
    - a V integrator integrates exactly while a K integrator converts
    - output pulses of one bank at a time

    Parameters
    ----------
    faults, rng
        As for ``AnalogHead``.
    check_age : bool
        Enforce ``bound_cycles``; for a control that has no refresh, false.
    groups : int, optional
        Groups of heads in lock step, each with arrays of its own behind the same enables. Wires of
        codes, queries and output pulses then come group by group, group 0 lowest.
    """

    def __init__(
        self,
        config: HeadConfig,
        faults: Faults | None = None,
        rng: np.random.Generator | None = None,
        *,
        check_age: bool = True,
        groups: int | None = None,
    ) -> None:
        self.config = config
        self._bound_cycles = config.bound_cycles if check_age else None
        self.analog = AnalogHead(config, faults, rng, groups)
        self._lines = (*self.analog.groups, config.head_dim)
        self._line_count = int(np.prod(self._lines))
        self.cycle = -1
        """The cycle of the latest ``step``; the first is 0."""
        self.codes: Pulses | None = None
        """Magnitudes and signs, ([groups,] tiles, D), of the output phase that the latest step
        began."""
        self._wires = Wires()
        self._since: dict[str, int] = dict.fromkeys(("k", "v", *ENABLES), 0)
        self._output_pulses = OutputPulses(config, groups or 1)
        self.forget_pulses_and_log()

    def forget_pulses_and_log(self) -> None:
        """Start the event log anew, as after a reset of the control; cells keep their charge.

        Which column holds which token is forgotten too.
        """
        self._widths: NDArray[np.int64] = np.zeros(self._line_count, dtype=np.int64)
        self._pulse_runs: list[bytes] = []
        self._log = WriteLog(self.analog.k.slots)
        self.oldest_read_cycles = {"K": 0, "V": 0}
        """Greatest age of any column, of each array, at the start of a read so far, in cycles."""

    def expect(self, tokens: Tokens) -> None:
        """As ``AnalogHead.expect``: it saves time if the wires write and ask what is expected."""
        self.analog.expect(tokens)

    @property
    def events(self) -> Events:
        """The event log so far; tokens are numbered in the order of their writes."""
        return self._log.events

    def outputs(self) -> tuple[int, int]:
        """Pulse and sign wires in the latest step's cycle, as ``codes`` from the lowest bit up."""
        return self._output_pulses.at(self.cycle)

    def count_pulses(self, width_cycles: NDArray[np.integer]) -> None:
        """Add pulses ([groups *] D,) that were counted outside while a K integrator integrated."""
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
            self._pulse_runs.append(wires.query.to_bytes(-(-self._line_count // 8), "little"))

    def _change(self, before: Wires, now: Wires) -> None:
        """Finish what ended with the cycle before, check the wires, start what begins."""
        k_changed, v_changed = before.k != now.k, before.v != now.v
        ended, begun, wrong = _edges(before[3:], now[3:])
        if k_changed and before.k.enable:
            self._end_write("k", before.k, bool(now.k_integrate & ~before.k_integrate))
        if v_changed and before.v.enable:
            self._end_write("v", before.v, bool(now.v_integrate & ~before.v_integrate))
        for name, banks in ended:
            self._end_phase(name, banks, before)
        if now.k.enable:
            self._check_write("k", before.k, now.k, now.k_integrate)
        if now.v.enable:
            self._check_write("v", before.v, now.v, now.v_integrate)
        if wrong is not None:
            self._fail(wrong)
        if k_changed:
            self._since["k"] = self.cycle
        if v_changed:
            self._since["v"] = self.cycle
        for name, banks in begun:
            self._since[name] = self.cycle
            self._begin_phase(name, banks)

    def _check_write(self, name: str, before: WritePort, now: WritePort, read: int) -> None:
        """Rules of a write that goes on or begins."""
        if not now.broadcast and not self._exists(now):
            self._fail(
                f"{name.upper()} write to sub-tile {now.tile}, column {now.column}, "
                "which does not exist"
            )
        if read:
            self._fail(f"the {name.upper()} array is written while it is read")
        was_whole = self.cycle - self._since[name] >= self.config.write_cycles
        if before.enable and before != now and was_whole:
            self._fail(f"the {name.upper()} write enable stays high from one write into the next")

    def _end_write(self, name: str, port: WritePort, read_begins: bool) -> None:
        """What a write that has ended left in its array."""
        array = self.analog.k if name == "k" else self.analog.v
        slot = -1 if port.broadcast else port.tile * self.config.columns + port.column
        if self.cycle - self._since[name] < self.config.write_cycles:
            touched = np.flatnonzero(array.exists) if port.broadcast else np.array([slot])
            array.poison(touched)
            return
        codes = self.analog.codes_of(array, port.code) if read_begins else None
        if codes is None:
            codes = unpack_codes(port.code, self._line_count, array.code_bits).reshape(self._lines)
        if port.broadcast:
            self.analog.write_all(array, codes, self.cycle)
            self._log.add_clear_of_all(self.cycle, array.name)
        elif read_begins:
            self.analog.write_column(array, slot, codes, self.cycle)
            self._log.add_token(self.cycle, array.name, slot)
        else:
            self.analog.rewrite_column(array, slot, codes, self.cycle)
            if not self._log.add_rewrite(self.cycle, array.name, slot, blank=port.code == 0):
                self._fail(f"{array.name} refresh of {self._place(slot)}, which holds no token")

    def _begin_read(self, array: CellArray) -> None:
        slot, written = array.oldest()
        age, bound = self.cycle - written, self._bound_cycles
        if age > self.oldest_read_cycles[array.name]:
            self.oldest_read_cycles[array.name] = age
        if bound is not None and age > bound:
            self._fail(
                f"{array.name} array read {age} cycles after {self._place(slot)} was written, "
                f"beyond the bound of {bound}"
            )
        self._log.add_read(self.cycle, array.name)

    def _end_phase(self, name: str, banks: int, before: Wires) -> None:
        cycles = self.cycle - self._since[name]
        if name.endswith("reset"):
            left = max(0.0, 1 - cycles / self.config.reset_cycles)
            empty = self.analog.reset_scores if name == "k_reset" else self.analog.reset_outputs
            for bank in _BANKS[banks]:
                empty(bank, left)
        elif name == "k_integrate":
            self.analog.integrate_scores(_bank(banks), self._take_widths(), self._since[name])
        elif name == "v_integrate":
            self.analog.integrate_outputs(
                _bank(before.k_convert), _bank(banks), cycles, self._since[name]
            )

    def _begin_phase(self, name: str, banks: int) -> None:
        if name == "k_integrate":
            self._begin_read(self.analog.k)
        elif name == "v_integrate":
            self._begin_read(self.analog.v)
        elif name == "v_convert":
            try:
                magnitude, negative = self.codes = self.analog.convert(_bank(banks))
            except PoisonedRead as error:
                self._fail(str(error))
            self._output_pulses.begin(magnitude, negative, self.cycle)

    def _take_widths(self) -> NDArray[np.int64]:
        lines = self._line_count
        if not self._pulse_runs:
            counted = self._widths.reshape(self._lines)
            self._widths = np.zeros(lines, dtype=np.int64)
            return counted
        seen = np.frombuffer(b"".join(self._pulse_runs), dtype=np.uint8)
        bits = np.unpackbits(seen.reshape(-1, -(-lines // 8)), axis=1, bitorder="little")
        widths: NDArray[np.int64] = self._widths + bits[:, :lines].sum(axis=0, dtype=np.int64)
        self._pulse_runs.clear()
        self._widths[:] = 0
        return widths.reshape(self._lines)

    def _exists(self, port: WritePort) -> bool:
        columns = self.config.columns
        if port.column >= columns or port.tile >= self.config.tiles:
            return False
        return bool(self.analog.k.exists[port.tile * columns + port.column])

    def _place(self, slot: int) -> str:
        tile, column = self.config.place_of(slot)
        return f"sub-tile {tile}, column {column}"

    def _fail(self, reason: str) -> NoReturn:
        raise ElectricalError(f"cycle {self.cycle}: {reason}")


Edges = tuple[tuple[str, int], ...]
"""Names of enables and masks of the banks in which they change."""


@cache
def _edges(before: tuple[int, ...], now: tuple[int, ...]) -> tuple[Edges, Edges, str | None]:
    """Which enables fall and which rise, and the rule that they break.

    Both are enables in the order of ``ENABLES``; there are few different ones.
    """
    pairs = list(zip(ENABLES, before, now, strict=True))
    ended = tuple((name, old & ~new) for name, old, new in pairs if old & ~new)
    begun = tuple((name, new & ~old) for name, old, new in pairs if new & ~old)
    return ended, begun, _fault(before, now)


def _fault(before: tuple[int, ...], now: tuple[int, ...]) -> str | None:
    old, new = (Wires(WritePort(), WritePort(), 0, *enables) for enables in (before, now))
    for name in ("k_integrate", "k_convert", "v_integrate", "v_convert"):
        if getattr(new, name) & (getattr(new, name) - 1):
            return f"both banks drive {name} at once"
    if (new.k_reset & new.k_integrate) | ((new.k_reset | new.k_integrate) & new.k_convert):
        return "a K integrator is used twice at once"
    if (new.v_reset & new.v_integrate) | ((new.v_reset | new.v_integrate) & new.v_convert):
        return "a V integrator is used twice at once"
    phi_changes = old.k_convert != new.k_convert
    window_changes = old.v_integrate != new.v_integrate
    if phi_changes != window_changes or bool(new.k_convert) != bool(new.v_integrate):
        return "phi pulses and the V integrators' window do not coincide"
    return None


_BANKS: tuple[tuple[int, ...], ...] = ((), (0,), (1,), (0, 1))
"""Banks in each mask."""


def _bank(mask: int) -> int:
    return _BANKS[mask][0]
