"""``Bench``: offers token words to the test bench and collects result words, in any simulator."""

from collections.abc import Callable

from gaincell.cocotb_tests.bench.signals import Signals
from gaincell.cocotb_tests.bench.transports import Transport
from gaincell.cocotb_tests.bench.watch import watch_fault
from gaincell.config import HeadConfig

TOKENS_AHEAD = 8
"""Tokens that wait in the test bench for the head; there is room for 16."""
RESULTS_HELD = 16
LARGEST_COUNT = (1 << 32) - 1


class ProtocolError(Exception):
    """The head broke a rule of its streams, or stopped."""


class Bench:
    """Feeds and empties the token streams between the steps of a transport.

    Parameters
    ----------
    patience_cycles : after so many cycles without a result, the head has stopped
    told : called after each result, with the number of results so far
    """

    def __init__(
        self,
        signals: Signals,
        transport: Transport,
        config: HeadConfig,
        patience_cycles: int,
        told: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.cycle = 0
        self._edge = signals.edge
        self._transport = transport
        self._config = config
        self._patience = patience_cycles
        self._told = told
        self._rst, self._hold = signals.one("rst"), signals.one("hold")
        self._push_word = signals.one("streams.push_word")
        self._pushed_total = signals.one("streams.pushed")
        self._results = signals.many("streams.results", RESULTS_HELD)
        self._progress = signals.one("progress")
        self._watched = signals.one("watched")
        self._last_progress = -1
        self._counts = (0, 0)
        self._base = self._pushed = 0
        self._words: list[int] = []
        self._is_reset = False

    async def reset(self) -> None:
        """Hold reset for two cycles and drop the tokens that were not taken."""
        self._rst.write(1)
        self._hold.write(1)
        for _ in range(2):
            if self._is_reset:
                await self._transport.tick()
            else:
                await self._edge  # the wires are unknown: the arrays must not look
        if self._is_reset:
            self._transport.catch_up()
        self._is_reset = True
        self._base += self._pushed
        self._pushed = 0
        self._last_progress = -1
        self._rst.write(0)
        await self._transport.tick()

    async def start(self, words: list[int]) -> None:
        """Offer the tokens of ``token_words`` to a head that has answered all earlier ones."""
        self._base += self._pushed
        self._pushed, self._words, self._last_progress = 0, words, -1
        # No token is offered until several wait: the head shall see them without a pause.
        self._hold.write(1)
        for _ in range(min(TOKENS_AHEAD, len(words))):
            self._push()
            await self._transport.tick()
        self._hold.write(0)

    async def run_until(self, cycle: int) -> None:
        """Run until ``cycle``, keeping no results."""
        while self.cycle < cycle:
            self.cycle = await self._transport.advance()
            accepted, _ = self._read_progress()
            self._push_if_due(accepted)

    async def finish(self) -> list[int]:
        """Run until every token has its result; return the result words in order.

        Raises
        ------
        ProtocolError
            Results are late, too many, or change while they are refused; or the watch on the
            columns and on the status found a fault.
        """
        results: list[int] = []
        last_progress, delivered = self.cycle, 0
        while len(results) < len(self._words):
            self.cycle = await self._transport.advance()
            accepted, delivered = self._read_progress()
            if delivered > len(results):
                for index in range(len(results), delivered):
                    results.append(self._results[(self._base + index) % RESULTS_HELD].read())
                last_progress = self.cycle
                self._told(len(results))
            elif self.cycle - last_progress > self._patience:
                raise ProtocolError(
                    f"cycle {self.cycle}: no result for {self.cycle - last_progress} cycles, "
                    f"{accepted} tokens accepted, {delivered} results delivered"
                )
            self._push_if_due(accepted)
        if delivered > len(self._words):
            raise ProtocolError(f"{delivered} results for {len(self._words)} tokens")
        if fault := watch_fault(self._watched.read(), self._config):
            raise ProtocolError(fault)
        return results

    def _push_if_due(self, accepted: int) -> None:
        if self._pushed < min(accepted + TOKENS_AHEAD, len(self._words)):
            self._push()

    def _push(self) -> None:
        self._push_word.write(self._words[self._pushed])
        self._pushed += 1
        self._pushed_total.write(self._base + self._pushed)

    def _read_progress(self) -> tuple[int, int]:
        """Tokens accepted and results delivered since the latest ``start`` or ``reset``."""
        progress = self._progress.read()
        if progress != self._last_progress:
            if progress >> 65:
                raise ProtocolError(
                    f"cycle {self.cycle}: a beat of a result changed while it was refused, or its "
                    "mark of the last beat or its filling is wrong; or beats of a token or of "
                    "refresh data were not taken in turn, or did not make a payload"
                )
            if progress >> 64:
                raise ProtocolError(f"cycle {self.cycle}: a result changed while it was refused")
            self._last_progress = progress
            accepted, delivered = progress >> 32, progress & LARGEST_COUNT
            self._counts = accepted - self._base, delivered - self._base
        return self._counts
