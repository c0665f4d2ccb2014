"""Heads in a server process, which is started anew and brought up to date if it dies."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral.faults import Faults
from gaincell.config import HeadConfig
from gaincell.refusals import Failed
from gaincell.rtl_server.library import build_library
from gaincell.rtl_server.protocol import PROTOCOL, Closed, receive, send

Codes = NDArray[np.integer]
Step = tuple[Codes, Codes] | tuple[None, None]
"""Codes (3, T, D) that a head was asked with its answer (T, D), or the end of a sequence."""
LONGEST_IDLE = 65535
"""Cycles."""
ATTEMPTS = 3
"""Servers that may die one after the other over the same tokens."""
SERVER = (sys.executable, "-m", "gaincell.rtl_server.server")


class BrokenRule(Failed):
    """A head broke a rule of its arrays or of its streams; the message says which and when."""


class RtlHeads:
    """Heads of one config by names of one's own, each with its own Verilog state and arrays.

    All tokens since a head's start are kept here. If the server dies, a new one is given them
    again, its answers are held against those of before, and what was asked last is asked again: no
    token is lost.

    Parameters
    ----------
    names : of the heads
    faults, seed : of all arrays; each head draws its own from ``seed`` and its place in ``names``
    idle_cycles : clock cycles for which each token is held back, 0..65535
    check_age : a read of a column older than ``config.bound_cycles`` breaks a rule
    verilog : of the head, by default generated

    Raises
    ------
    ValueError
        No names, equal names, or idle cycles out of range.
    MissingTool, BuildFailed
        The Verilog cannot be compiled.
    Failed
        The server does not start.
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
    ) -> None:
        if not names or len(set(names)) < len(names):
            raise ValueError(f"names are {list(names)}, but must be one or more, all different")
        if not 0 <= idle_cycles <= LONGEST_IDLE:
            raise ValueError(f"idle_cycles is {idle_cycles}, but must be 0..{LONGEST_IDLE}")
        self.config = config
        self.restarts = 0
        """Servers that died."""
        self._begin = {
            "action": "open",
            "config": config.fields_set(),
            "faults": asdict(faults or Faults()),
            "seeds": {name: seed + place for place, name in enumerate(names)},
            "idle_cycles": idle_cycles,
            "check_age": check_age,
            "library": str(build_library(config, verilog)),
        }
        self._history: dict[str, list[Step]] = {name: [] for name in names}
        self._server: subprocess.Popen[bytes] | None = None
        try:
            self._safely(lambda: None)
        except BaseException:
            self.close()
            raise

    def attend(self, names: Sequence[str], q: Codes, k: Codes, v: Codes) -> NDArray[np.int64]:
        """y codes (H, T, D) of the next T tokens of H heads, from codes (H, T, D) each.

        Raises
        ------
        KeyError, ValueError
            A name is unknown, or shapes or codes do not fit the config.
        BrokenRule
            A head broke a rule.
        Failed
            Servers keep dying.
        """
        self._check(names, q, k, v)
        asked = [np.stack([x[each] for x in (q, k, v)]) for each in range(len(names))]
        y: NDArray[np.int64] = self._safely(self._attend, names, np.stack(asked, axis=1))
        for name, each, answer in zip(names, asked, y, strict=True):
            self._history[name].append((each, answer))
        return y

    def restart(self, names: Sequence[str]) -> None:
        """The next token of each of these heads begins a sequence."""
        self._safely(self._request, {"action": "restart", "heads": list(names)})
        for name in names:
            self._history[name].append((None, None))

    @property
    def pid(self) -> int:
        """Of the server process."""
        assert self._server is not None
        return self._server.pid

    def close(self) -> None:
        """End the server."""
        if self._server is not None:
            for stream in (self._server.stdin, self._server.stdout):
                assert stream is not None
                try:
                    stream.close()
                except BrokenPipeError:
                    continue
            self._server.wait()
            self._server = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.close()

    def _check(self, names: Sequence[str], q: Codes, k: Codes, v: Codes) -> None:
        for name in names:
            if name not in self._history:
                raise KeyError(f"there is no head {name}")
        expected = (len(names), q.shape[1] if q.ndim > 1 else 0, self.config.head_dim)
        largest = self.config.query_max, self.config.key_max, self.config.value_max
        for letter, codes, most in zip("qkv", (q, k, v), largest, strict=True):
            if codes.shape != expected:
                raise ValueError(f"{letter} has shape {codes.shape}, but must be {expected}")
            if codes.size and not 0 <= codes.min() <= codes.max() <= most:
                raise ValueError(f"{letter} holds codes beyond 0..{most}")

    def _safely(self, act: Callable[..., Any], *arguments: Any) -> Any:
        """Do it again with a new server each time that one dies."""
        for _ in range(ATTEMPTS):
            try:
                if self._server is None:
                    self._start()
                return act(*arguments)
            except Closed:
                self.restarts += 1
                self.close()
        raise Failed(f"{ATTEMPTS} servers of heads died one after the other at the same place")

    def _start(self) -> None:
        """A new server with heads that know all tokens."""
        self._server = subprocess.Popen(
            SERVER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # an interrupt is for this process, which ends the server
            # Threads of the matrix library cost more than they gain on arrays of this size.
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        )
        assert self._server.stdout is not None
        greeting, _ = receive(self._server.stdout)
        if greeting["protocol"] != PROTOCOL:
            raise Failed(f"the server of heads speaks protocol {greeting['protocol']}")
        self._request(self._begin)
        for name, history in self._history.items():
            for asked, answer in history:
                if asked is None or answer is None:
                    self._request({"action": "restart", "heads": [name]})
                elif not np.array_equal(self._attend([name], asked[:, None])[0], answer):
                    raise Failed(f"head {name} does not answer as before its server died")

    def _attend(self, names: Sequence[str], codes: Codes) -> NDArray[np.int64]:
        answer = self._request({"action": "attend", "heads": list(names)}, codes)
        return answer.reshape(codes.shape[1:]).astype(np.int64)

    def _request(self, header: dict[str, Any], *codes: Codes) -> Codes:
        assert self._server is not None
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        send(self._server.stdin, header, *codes)
        answer, found = receive(self._server.stdout)
        if "broken_rule" in answer:
            raise BrokenRule(answer["broken_rule"])
        if "crash" in answer:
            raise RuntimeError(f"the server of heads failed:\n{answer['crash']}")
        return found
