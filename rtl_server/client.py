"""``RtlHeads``: heads of the Verilog in server processes, under names that the caller chooses."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from itertools import pairwise
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral.codes import Codes
from gaincell.behavioral.faults import Faults
from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig
from gaincell.rtl_server.lasting_server import LastingServer
from gaincell.rtl_server.library import build_library

LONGEST_IDLE = 65535
"""Cycles."""


def cpus() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0))


def shared_out(heads: Sequence[str], processes: int) -> list[list[str]]:
    """Heads that take tokens together as cores, of nearly equal size: one for each process."""
    count = min(processes, len(heads))
    ends = [len(heads) * part // count for part in range(count + 1)]
    return [list(heads[begin:end]) for begin, end in pairwise(ends)]


class RtlHeads:
    """Heads of one config, each with arrays of its own, alone or in lock step.

    A few server processes share the cores and work at the same time. If a server dies, another one
    takes its place and repeats its tokens, so that no token is lost.

    Parameters
    ----------
    cores : names of the heads of each core; they take tokens together, under one control
    faults, seed : of all arrays; a core draws its own from ``seed`` and the place of its first head
    idle_cycles : clock cycles that each token waits before it is offered, 0..65535
    check_age : a read of a column older than ``config.bound_cycles`` breaks a rule
    verilog : Verilog of the cores, which then have one size; by default generated
    processes : number of servers; by default one for each CPU, but not more than cores
    progress : say on stderr what is compiled, and for how long

    Raises
    ------
    ValueError
        No heads, equal names, or a number out of range.
    MissingTool, BuildFailed
        The Verilog cannot be compiled.
    Unable
        A server does not start.
    """

    def __init__(
        self,
        config: HeadConfig,
        cores: Sequence[Sequence[str]],
        *,
        faults: Faults | None = None,
        seed: int = 0,
        idle_cycles: int = 0,
        check_age: bool = True,
        verilog: str | None = None,
        processes: int | None = None,
        progress: bool = False,
    ) -> None:
        names = [name for core in cores for name in core]
        if not all(cores) or not names or len(set(names)) < len(names):
            raise ValueError(f"cores are {list(cores)}, but must be of heads that all differ")
        if not 0 <= idle_cycles <= LONGEST_IDLE:
            raise ValueError(f"idle_cycles is {idle_cycles}, but must be 0..{LONGEST_IDLE}")
        if processes is not None and processes < 1:
            raise ValueError(f"processes is {processes}, but must be 1 or more")
        count = min(len(cores), processes or cpus())
        self.config = config
        self._cores = {core[0]: list(core) for core in cores}
        self._core_of = {name: core[0] for core in cores for name in core}
        self._server_of = {core[0]: place % count for place, core in enumerate(cores)}
        libraries = {
            size: str(build_library(CoreConfig(head=config, heads=size), verilog, progress))
            for size in sorted({len(core) for core in cores})
        }
        opened = {
            core: {
                "heads": len(own),
                "seed": seed + names.index(core),
                "library": libraries[len(own)],
            }
            for core, own in self._cores.items()
        }
        begin = {
            "action": "open",
            "config": config.fields_set(),
            "faults": asdict(faults or Faults()),
            "idle_cycles": idle_cycles,
            "check_age": check_age,
        }
        self._servers: list[LastingServer] = []
        with ExitStack() as started:
            self._threads = started.enter_context(ThreadPoolExecutor(count))
            for place in range(count):
                own = {core: its for core, its in opened.items() if self._server_of[core] == place}
                self._servers.append(LastingServer(begin | {"cores": own}))
                started.callback(self._servers[-1].close)
            self._end = started.pop_all()

    def attend(self, names: Sequence[str], q: Codes, k: Codes, v: Codes) -> NDArray[np.int64]:
        """y codes (H, T, D) of the next T tokens of H heads, from codes (H, T, D) each.

        Raises
        ------
        KeyError, ValueError
            A name is unknown, or only some heads of a core are named, or shapes or codes do not
            fit the config.
        BrokenRule
            A head broke a rule.
        Failed
            A new server does not answer as the one that died.
        Unable
            Servers keep dying.
        """
        self._check(names, q, k, v)
        y = np.empty(q.shape, dtype=np.int64)
        places = {name: place for place, name in enumerate(names)}

        def act(server: LastingServer, core: str) -> None:
            own = [places[name] for name in self._cores[core]]
            codes = np.stack([codes[own].swapaxes(0, 1) for codes in (q, k, v)])
            y[own] = server.attend(core, codes).swapaxes(0, 1)

        self._at_once(names, act)
        return y

    def restart(self, names: Sequence[str]) -> None:
        """The next token of each of these heads begins a sequence.

        Raises
        ------
        KeyError, ValueError
            A name is unknown, or only some heads of a core are named.
        """
        self._at_once(names, LastingServer.restart)

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

    def _at_once(self, names: Sequence[str], act: Callable[[LastingServer, str], None]) -> None:
        """Let each server act on those of its cores whose heads ``names`` holds; wait for all."""
        cores: dict[int, list[str]] = {}
        for core in self._whole_cores(names):
            cores.setdefault(self._server_of[core], []).append(core)

        def act_on_all(server: LastingServer, own: list[str]) -> None:
            for core in own:
                act(server, core)

        waits = [
            self._threads.submit(act_on_all, self._servers[server], own)
            for server, own in cores.items()
        ]
        for wait in waits:
            wait.exception()
        for wait in waits:
            wait.result()

    def _whole_cores(self, names: Sequence[str]) -> list[str]:
        """The cores of these heads, by the names of their first heads."""
        for name in names:
            if name not in self._core_of:
                raise KeyError(f"there is no head {name}")
        cores = list(dict.fromkeys(self._core_of[name] for name in names))
        together = [name for core in cores for name in self._cores[core]]
        if sorted(names) != sorted(together):
            raise ValueError(
                f"heads are {', '.join(names)}, but those of a core take tokens together, once "
                f"each: {', '.join(together)}"
            )
        return cores

    def _check(self, names: Sequence[str], q: Codes, k: Codes, v: Codes) -> None:
        expected = (len(names), q.shape[1] if q.ndim > 1 else 0, self.config.head_dim)
        largest = self.config.query_max, self.config.key_max, self.config.value_max
        self._whole_cores(names)
        for letter, codes, most in zip("qkv", (q, k, v), largest, strict=True):
            if codes.shape != expected:
                raise ValueError(f"{letter} has shape {codes.shape}, but must be {expected}")
            if codes.size and not 0 <= codes.min() <= codes.max() <= most:
                raise ValueError(f"{letter} holds codes beyond 0..{most}")
