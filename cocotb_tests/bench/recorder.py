"""Array pins that keep what the control did on the wires."""

from typing import Any

from gaincell.behavioral.pins import ArrayPins
from gaincell.behavioral.wires import Wires, WritePort

Recorded = list[tuple[int, Wires]]
"""The wires from a cycle on until the next entry; the last entry is the last cycle's."""


class RecordingPins(ArrayPins):
    """``ArrayPins`` with ``recorded``, the wires as they changed; exact if every cycle is seen."""

    recorded: Recorded

    def forget_pulses_and_log(self) -> None:
        super().forget_pulses_and_log()
        self.recorded = []

    def step(self, wires: Wires, cycle: int | None = None) -> None:
        super().step(wires, cycle)
        if not self.recorded or self.recorded[-1][1] != wires:
            self.recorded.append((self.cycle, wires))


def plain(pins: RecordingPins) -> list[Any]:
    """What was recorded, as JSON takes it, closed by the last cycle."""
    return [*pins.recorded, (pins.cycle, Wires())]


def of_plain(entries: list[Any]) -> Recorded:
    """Inverse of ``plain``."""
    return [
        (cycle, Wires(WritePort(*k), WritePort(*v), *others)) for cycle, (k, v, *others) in entries
    ]
