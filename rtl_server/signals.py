"""Signals of one head in a shared library, read and written in memory."""

import ctypes
from collections.abc import Awaitable, Callable, Generator

from gaincell.cocotb_tests.bench.signals import Signal
from gaincell.cocotb_tests.run.simulators import TOP


class NativeSignal:
    """``size`` bytes of memory as an unsigned number."""

    def __init__(self, address: int, size: int) -> None:
        self._memory = (ctypes.c_char * size).from_address(address)
        self._size = size

    def read(self) -> int:
        return int.from_bytes(self._memory.raw, "little")

    def write(self, value: int) -> None:
        self._memory.raw = value.to_bytes(self._size, "little")


class Done:
    """An awaitable that calls ``act`` and is done."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act

    def __await__(self) -> Generator[None, None, None]:
        self._act()
        yield from ()


class NativeSignals:
    """The signals of a new head of a loaded library, as ``cocotb_tests.bench.signals.Signals``.

    The head belongs to this object; ``close`` frees it.

    Raises
    ------
    RuntimeError
        The library holds no head with public variables.
    """

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self._head = library.gaincell_create()
        if not self._head:
            raise RuntimeError("the heads' library was built without its public variables")
        self.edge: Awaitable[object] = Done(lambda: library.gaincell_cycle(self._head))
        self.wake: Awaitable[object] = Done(lambda: library.gaincell_run(self._head))

    def one(self, name: str) -> Signal:
        return NativeSignal(*self._place(name))

    def many(self, name: str, count: int) -> list[Signal]:
        address, size = self._place(name)
        return [NativeSignal(address + index * size, size) for index in range(count)]

    def close(self) -> None:
        """Free the head."""
        if self._head:
            self._library.gaincell_destroy(self._head)
            self._head = None

    def _place(self, name: str) -> tuple[int, int]:
        """Address and bytes of a word of a signal."""
        *path, last = name.split(".")
        scope = ".".join(["head", TOP, *path])
        size = ctypes.c_int()
        address = self._library.gaincell_signal(
            self._head, scope.encode(), last.encode(), ctypes.byref(size)
        )
        if not address:
            raise KeyError(f"the test bench has no signal {name}")
        return address, size.value
