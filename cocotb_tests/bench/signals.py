"""The signals of the Verilog test bench as whole numbers, the same for every simulator."""

from collections.abc import Awaitable
from typing import Protocol


class UnknownWire(Exception):
    """A wire that must be driven is neither 0 nor 1."""


class Signal(Protocol):
    """One signal, read and written as the unsigned number of its bits."""

    def read(self) -> int:
        """Raises UnknownWire if a bit is neither 0 nor 1."""

    def write(self, value: int) -> None: ...


class Signals(Protocol):
    """The test bench's signals, by their names below ``tb``, and the times to look at them.

    edge : await it for the next falling edge of the clock, when every signal has settled
    wake : await it for the next time that the pulse transport needs Python
    """

    edge: Awaitable[object]
    wake: Awaitable[object]

    def one(self, name: str) -> Signal:
        """A signal, such as "streams.pushed"."""

    def many(self, name: str, count: int) -> list[Signal]:
        """The words of a memory, from word 0."""
