"""The signals of the Verilog test bench as text, the same for every simulator."""

from collections.abc import Awaitable
from typing import Protocol


class Signal(Protocol):
    """One signal, read and written as text: a character for each bit, the highest first."""

    def read(self) -> str: ...

    def write(self, text: str) -> None: ...


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


def word(value: int, bits: int = 32) -> str:
    """The text of an unsigned number."""
    return format(value, f"0{bits}b")
