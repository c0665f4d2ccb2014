"""``RtlCore``: heads of the Verilog in lock step in this process, with models of their arrays."""

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
from gaincell.core.config import CoreConfig, core_of
from gaincell.rtl_server.signals import NativeSignals


class RtlCore:
    """A core, or a head, after its reset; between calls of ``attend`` its clock stands still.

    Time passes only while it has tokens, and for ``idle_cycles`` before each query.

    Parameters
    ----------
    library : of ``load_library``, built for ``design``
    faults, seed : of its arrays; the seed also draws the state of the cells at power-up
    idle_cycles : clock cycles between a token's turn and its offer, 0..65535
    check_age : a read of a column older than ``config.bound_cycles`` is an error
    """

    def __init__(
        self,
        library: ctypes.CDLL,
        design: HeadConfig | CoreConfig,
        *,
        faults: Faults | None = None,
        seed: int = 0,
        idle_cycles: int = 0,
        check_age: bool = True,
    ) -> None:
        core = self.design = core_of(design)
        config = self._config = core.lock_step
        self._idle = idle_cycles
        self._signals = NativeSignals(library)
        groups = None if core.groups == 1 else core.groups
        rng = np.random.default_rng(seed)
        pins = self._pins = ArrayPins(core.head, faults, rng, check_age=check_age, groups=groups)
        patience = config.stopped_after_cycles + idle_cycles + 4 * core.beats_of_a_query
        transport = FastTransport(self._signals, pins, config, patience)
        self._bench = Bench(self._signals, transport, config, patience)
        self._fresh = True
        _finish(self._bench.reset())

    def attend(self, q: Codes, k: Codes, v: Codes) -> NDArray[np.int64]:
        """y codes of the next T tokens, as q, from codes in the shapes of ``Tokens``.

        Raises
        ------
        ElectricalError, ProtocolError, UnknownWire
            The head broke a rule of its arrays or of its streams.
        """
        if not len(q):
            return np.zeros(q.shape, dtype=np.int64)
        first = np.zeros(len(q), dtype=np.int64)
        if self._fresh:
            first[0], self._fresh = 1, False
        tokens = Tokens(q, k, v, first)
        queries = len(q) * tokens.queries_per_token
        waits = np.full(queries, self._idle), np.zeros(queries, dtype=np.int64)
        together = tokens.in_lock_step()
        words = token_words(together, *waits, self._config)
        self._pins.expect(together)
        results = _finish(self._answer(words))
        y_code, _ = results_of(results, self._config)
        return tokens.of_heads(y_code)

    def restart(self) -> None:
        """The next token is the first of a sequence."""
        self._fresh = True

    def close(self) -> None:
        """Free the head's memory."""
        self._signals.close()

    async def _answer(self, words: list[int]) -> list[int]:
        await self._bench.start(words)
        return await self._bench.finish()


def _finish(steps: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end; it may wait for this head only."""
    try:
        steps.send(None)
    except StopIteration as end:
        return end.value
    raise RuntimeError("a head waits for something that does not run it")
