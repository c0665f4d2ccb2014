"""``LastingServer``: a server process of heads that is replaced when it dies."""

import subprocess
import sys
from collections.abc import Callable
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
"""Codes (3, T, H, D) sent to a core, its answer (T, H, D); two None: the sequence ended here."""
ATTEMPTS = 3
"""Number of servers that may die one after the other at the same request."""
SERVER = (sys.executable, "-m", "gaincell.rtl_server.server")


class BrokenRule(Failed):
    """A head broke a rule of its arrays or of its streams; the message says which and when."""


class LastingServer:
    """The cores of one server process.

    This object keeps all tokens since the start of each core. If the server dies, a new server gets
    these tokens again, and its answers must equal the earlier ones. Then the last request is sent
    again: no token is lost.

    Parameters
    ----------
    begin : first request to the server, with "cores" by their names

    Raises
    ------
    Unable
        The server does not start.
    """

    def __init__(self, begin: dict[str, Any]) -> None:
        self.restarts = 0
        """Servers that died."""
        self._begin = begin
        self._history: dict[str, list[Step]] = {name: [] for name in begin["cores"]}
        self._server: subprocess.Popen[bytes] | None = None
        self._life = ExitStack()
        self._closed = False
        try:
            self._safely(lambda: None)
        except BaseException:
            self.close()
            raise

    def attend(self, core: str, codes: Codes) -> NDArray[np.int64]:
        """y codes (T, H, D) of the next T tokens of a core, from q, k and v (3, T, H, D).

        Raises
        ------
        BrokenRule
            A head broke a rule.
        Failed
            A new server does not answer as the one before.
        Unable
            Servers keep dying.
        """
        y: NDArray[np.int64] = self._safely(self._attend, core, codes)
        self._history[core].append((codes, y))
        return y

    def restart(self, core: str) -> None:
        """The next token of the core begins a sequence."""
        self._safely(self._request, {"action": "restart", "core": core})
        self._history[core].append((None, None))

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
        for core, history in self._history.items():
            for asked, answer in history:
                if asked is None or answer is None:
                    self._request({"action": "restart", "core": core})
                elif not np.array_equal(self._attend(core, asked), answer):
                    raise Failed(f"core {core} does not answer as before its server died")

    def _attend(self, core: str, codes: Codes) -> NDArray[np.int64]:
        answer = self._request({"action": "attend", "core": core}, codes)
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
