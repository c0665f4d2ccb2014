"""``LastingServer``: a server process of heads that is replaced when it dies."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral.codes import Codes
from gaincell.refusals import Failed, Unable
from gaincell.rtl_server.protocol import PROTOCOL, Closed, receive, send
from gaincell.system.environment import environment
from gaincell.system.processes import child

Step = tuple[Codes, Codes] | tuple[None, None]
"""Codes (3, T, D) sent to a head and its answer (T, D); two None: the sequence ended here."""
ATTEMPTS = 3
"""Number of servers that may die one after the other at the same request."""
SERVER = (sys.executable, "-m", "gaincell.rtl_server.server")


class BrokenRule(Failed):
    """A head broke a rule of its arrays or of its streams; the message says which and when."""


class LastingServer:
    """The heads of one server process.

    This object keeps all tokens since the start of each head. If the server dies, a new server gets
    these tokens again, and its answers must equal the earlier ones. Then the last request is sent
    again: no token is lost.

    Parameters
    ----------
    begin : first request to the server, with "seeds" by the names of the heads

    Raises
    ------
    Unable
        The server does not start.
    """

    def __init__(self, begin: dict[str, Any]) -> None:
        self.restarts = 0
        """Servers that died."""
        self._begin = begin
        self._history: dict[str, list[Step]] = {name: [] for name in begin["seeds"]}
        self._server: subprocess.Popen[bytes] | None = None
        self._life = ExitStack()
        self._closed = False
        try:
            self._safely(lambda: None)
        except BaseException:
            self.close()
            raise

    def attend(self, names: Sequence[str], q: Codes, k: Codes, v: Codes) -> NDArray[np.int64]:
        """y codes (H, T, D) of the next T tokens of H heads, from codes (H, T, D) each.

        Raises
        ------
        BrokenRule
            A head broke a rule.
        Failed
            A new server does not answer as the one before.
        Unable
            Servers keep dying.
        """
        asked = [np.stack([x[head] for x in (q, k, v)]) for head in range(len(names))]
        y: NDArray[np.int64] = self._safely(self._attend, names, np.stack(asked, axis=1))
        for name, codes, answer in zip(names, asked, y, strict=True):
            self._history[name].append((codes, answer))
        return y

    def restart(self, names: Sequence[str]) -> None:
        """The next token of each of these heads begins a sequence."""
        self._safely(self._request, {"action": "restart", "heads": list(names)})
        for name in names:
            self._history[name].append((None, None))

    @property
    def pid(self) -> int:
        """Process id of the server."""
        assert self._server is not None
        return self._server.pid

    def close(self) -> None:
        """End the server, also while another thread waits for its answer."""
        self._closed = True
        self._end()

    def _end(self) -> None:
        self._life.close()
        if self._server is not None:
            for stream in (self._server.stdin, self._server.stdout):
                assert stream is not None
                with suppress(BrokenPipeError):
                    stream.close()
            self._server = None

    def _safely(self, act: Callable[..., Any], *arguments: Any) -> Any:
        """Call ``act``; if the server dies, start a new one and call ``act`` again."""
        for _ in range(ATTEMPTS):
            try:
                if self._server is None:
                    self._start()
                return act(*arguments)
            except Closed:
                if self._closed:
                    raise
                self.restarts += 1
                self._end()
        raise Unable(f"{ATTEMPTS} servers of heads died one after the other at the same place")

    def _start(self) -> None:
        """Start a server, and send all earlier tokens to its heads."""
        self._server = self._life.enter_context(
            child(
                SERVER,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # Threads of the matrix library cost more than they gain on arrays of this size.
                env=environment(OPENBLAS_NUM_THREADS="1"),
            )
        )
        assert self._server.stdout is not None
        greeting, _ = receive(self._server.stdout)
        if greeting["protocol"] != PROTOCOL:
            raise Unable(f"the server of heads speaks protocol {greeting['protocol']}")
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
        answer, codes_back = receive(self._server.stdout)
        if "broken_rule" in answer:
            raise BrokenRule(answer["broken_rule"])
        if "crash" in answer:
            raise RuntimeError(f"the server of heads failed:\n{answer['crash']}")
        return codes_back
