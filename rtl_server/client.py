"""``RtlHeads``: heads of the Verilog in server processes, under names that the caller chooses."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral.codes import Codes
from gaincell.behavioral.faults import Faults
from gaincell.config import HeadConfig
from gaincell.rtl_server.lasting_server import LastingServer
from gaincell.rtl_server.library import build_library

LONGEST_IDLE = 65535
"""Cycles."""


class RtlHeads:
    """Heads of one config, each with its own Verilog state and arrays.

    A few server processes share the heads and work at the same time. If a server dies, another one
    takes its place and repeats its tokens, so that no token is lost.

    Parameters
    ----------
    names : of the heads
    faults, seed : of all arrays; a head draws its own from ``seed`` and its place in ``names``
    idle_cycles : clock cycles that each token waits before it is offered, 0..65535
    check_age : a read of a column older than ``config.bound_cycles`` breaks a rule
    verilog : Verilog of the head, by default generated
    processes : number of servers; by default one for each CPU, but not more than heads
    progress : say on stderr what is compiled, and for how long

    Raises
    ------
    ValueError
        No names, equal names, or a number out of range.
    MissingTool, BuildFailed
        The Verilog cannot be compiled.
    Unable
        A server does not start.
    """

    def __init__(
        self,
        config: HeadConfig,
        names: Sequence[str],
        *,
        faults: Faults | None = None,
        seed: int = 0,
        idle_cycles: int = 0,
        check_age: bool = True,
        verilog: str | None = None,
        processes: int | None = None,
        progress: bool = False,
    ) -> None:
        if not names or len(set(names)) < len(names):
            raise ValueError(f"names are {list(names)}, but must be one or more, all different")
        if not 0 <= idle_cycles <= LONGEST_IDLE:
            raise ValueError(f"idle_cycles is {idle_cycles}, but must be 0..{LONGEST_IDLE}")
        if processes is not None and processes < 1:
            raise ValueError(f"processes is {processes}, but must be 1 or more")
        count = min(len(names), processes or len(os.sched_getaffinity(0)))
        self.config = config
        self._server_of = {name: place % count for place, name in enumerate(names)}
        seeds = {name: seed + place for place, name in enumerate(names)}
        begin = {
            "action": "open",
            "config": config.fields_set(),
            "faults": asdict(faults or Faults()),
            "idle_cycles": idle_cycles,
            "check_age": check_age,
            "library": str(build_library(config, verilog, progress)),
        }
        self._servers: list[LastingServer] = []
        with ExitStack() as started:
            self._threads = started.enter_context(ThreadPoolExecutor(count))
            for place in range(count):
                own = {name: its for name, its in seeds.items() if self._server_of[name] == place}
                self._servers.append(LastingServer(begin | {"seeds": own}))
                started.callback(self._servers[-1].close)
            self._end = started.pop_all()

    def attend(self, names: Sequence[str], q: Codes, k: Codes, v: Codes) -> NDArray[np.int64]:
        """y codes (H, T, D) of the next T tokens of H heads, from codes (H, T, D) each.

        Raises
        ------
        KeyError, ValueError
            A name is unknown, or shapes or codes do not fit the config.
        BrokenRule
            A head broke a rule.
        Failed
            A new server does not answer as the one that died.
        Unable
            Servers keep dying.
        """
        self._check(names, q, k, v)
        y = np.empty(q.shape, dtype=np.int64)

        def act(server: LastingServer, places: list[int]) -> None:
            own = [names[place] for place in places]
            y[places] = server.attend(own, q[places], k[places], v[places])

        self._at_once(names, act)
        return y

    def restart(self, names: Sequence[str]) -> None:
        """The next token of each of these heads begins a sequence.

        Raises
        ------
        KeyError
            A name is unknown.
        """

        def act(server: LastingServer, places: list[int]) -> None:
            server.restart([names[place] for place in places])

        self._at_once(names, act)

    @property
    def pids(self) -> list[int]:
        """Process ids of the servers."""
        return [server.pid for server in self._servers]

    @property
    def restarts(self) -> int:
        """Number of servers that died."""
        return sum(server.restarts for server in self._servers)

    def close(self) -> None:
        """End the servers."""
        self._end.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.close()

    def _at_once(
        self, names: Sequence[str], act: Callable[[LastingServer, list[int]], None]
    ) -> None:
        """Let each server act on the places of its own heads in ``names``; wait for all."""
        places: dict[int, list[int]] = {}
        for place, name in enumerate(names):
            places.setdefault(self._place(name), []).append(place)
        waits = [
            self._threads.submit(act, self._servers[server], own) for server, own in places.items()
        ]
        for wait in waits:
            wait.exception()
        for wait in waits:
            wait.result()

    def _place(self, name: str) -> int:
        if name not in self._server_of:
            raise KeyError(f"there is no head {name}")
        return self._server_of[name]

    def _check(self, names: Sequence[str], q: Codes, k: Codes, v: Codes) -> None:
        expected = (len(names), q.shape[1] if q.ndim > 1 else 0, self.config.head_dim)
        largest = self.config.query_max, self.config.key_max, self.config.value_max
        for name in names:
            self._place(name)
        for letter, codes, most in zip("qkv", (q, k, v), largest, strict=True):
            if codes.shape != expected:
                raise ValueError(f"{letter} has shape {codes.shape}, but must be {expected}")
            if codes.size and not 0 <= codes.min() <= codes.max() <= most:
                raise ValueError(f"{letter} holds codes beyond 0..{most}")
