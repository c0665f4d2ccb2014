"""``RtlHead``: one head of the Verilog in this process, with numpy models of its arrays."""

import ctypes
from collections.abc import Coroutine
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral.codes import Codes
from gaincell.behavioral.faults import Faults
from gaincell.behavioral.pins import ArrayPins
from gaincell.behavioral.tokens import Tokens
from gaincell.cocotb_tests.bench.streams import Bench
from gaincell.cocotb_tests.bench.transports import FastTransport
from gaincell.cocotb_tests.bench.words import results_of, token_words
from gaincell.config import HeadConfig
from gaincell.rtl_server.signals import NativeSignals


class RtlHead:
    """A head after its reset; between calls of ``attend`` its clock stands still.

    Time passes only while the head has tokens, and for ``idle_cycles`` before each token.

    Parameters
    ----------
    library : of ``load_library``, built for ``config``
    faults, seed : of its arrays; the seed also draws the state of the cells at power-up
    idle_cycles : clock cycles between a token's turn and its offer, 0..65535
    check_age : a read of a column older than ``config.bound_cycles`` is an error
    """

    def __init__(
        self,
        library: ctypes.CDLL,
        config: HeadConfig,
        *,
        faults: Faults | None = None,
        seed: int = 0,
        idle_cycles: int = 0,
        check_age: bool = True,
    ) -> None:
        self.config = config
        self._idle = idle_cycles
        self._signals = NativeSignals(library)
        self._pins = ArrayPins(config, faults, np.random.default_rng(seed), check_age=check_age)
        patience = config.stopped_after_cycles + idle_cycles
        transport = FastTransport(self._signals, self._pins, config, patience)
        self._bench = Bench(self._signals, transport, config, patience)
        self._fresh = True
        _finish(self._bench.reset())

    def attend(self, q: Codes, k: Codes, v: Codes) -> NDArray[np.int64]:
        """y codes (T, D) of the next T tokens' codes, each (T, D).

        Raises
        ------
        ElectricalError, ProtocolError, UnknownWire
            The head broke a rule of its arrays or of its streams.
        """
        count = len(q)
        if not count:
            return np.zeros(q.shape, dtype=np.int64)
        first = np.zeros(count, dtype=np.int64)
        if self._fresh:
            first[0], self._fresh = 1, False
        waits = np.full(count, self._idle), np.zeros(count, dtype=np.int64)
        words = token_words(Tokens(q, k, v, first), *waits, self.config)
        results = _finish(self._answer(words))
        y_code, _ = results_of(results, self.config)
        return y_code

    def restart(self) -> None:
        """The next token is the first of a sequence."""
        self._fresh = True

    def close(self) -> None:
        """Free the head's memory."""
        self._signals.close()

    async def _answer(self, words: list[str]) -> list[str]:
        await self._bench.start(words)
        return await self._bench.finish()


def _finish(steps: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end; it may wait for this head only."""
    try:
        steps.send(None)
    except StopIteration as end:
        return end.value
    raise RuntimeError("a head waits for something that does not run it")
