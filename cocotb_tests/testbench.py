"""Runs inside the simulator: feeds tokens, lets the arrays answer, collects results.

``simulate.py`` starts it and names the run folder in an environment variable.
"""

import json
import os
import time
import traceback
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from gaincell.behavioral.faults import Faults
from gaincell.behavioral.pins import ArrayPins, ElectricalError
from gaincell.cocotb_tests.transports import FastTransport, PerNsTransport, Raw, Transport
from gaincell.cocotb_tests.wires import UnknownWire, results_of, status_of, token_words
from gaincell.config import HeadConfig

TOKENS_AHEAD = 8
"""Tokens handed to the test bench before the head asks for them; it holds 16."""
RESULTS_HELD = 16
SECONDS_BETWEEN_REPORTS = 0.2


class ProtocolError(Exception):
    """The head broke a rule of its streams, or stopped."""


@cocotb.test()
async def run_tokens(tb: Any) -> None:
    """Run the tokens of ``run.npz`` and write ``outcome.json`` and ``results.npz``."""
    folder = Path(os.environ["GAINCELL_RUN_FOLDER"])
    try:
        await _run(tb, folder)
        outcome: dict[str, str | None] = {"error": None}
    except (ElectricalError, ProtocolError, UnknownWire) as error:
        outcome = {"error": str(error)}
    except Exception:
        outcome = {"error": None, "crash": traceback.format_exc()}
    (folder / "outcome.json").write_text(json.dumps(outcome))


async def _run(tb: Any, folder: Path) -> None:
    spec = json.loads((folder / "run.json").read_text())
    config = HeadConfig(**spec["config"])
    with np.load(folder / "run.npz") as stored:
        tokens = {name: stored[name] for name in stored}
    rng = np.random.default_rng(spec["seed"])
    pins = ArrayPins(config, Faults(**spec["faults"]), rng, check_age=spec["check_age"])
    paces = tokens.pop("idle"), tokens.pop("stall")
    patience = 4 * (config.latency_cycles + config.write_cycles) + int(paces[0].max(initial=0))
    patience += int(paces[1].max(initial=0))

    Clock(tb.clk, 1, unit="ns", impl="gpi").start()
    transport: Transport
    if spec["transport"] == "per-ns":
        transport = PerNsTransport(tb, pins, config)
    else:
        transport = FastTransport(tb, pins, config, patience)
    tb.store.slowest.value = spec["memory"]["slowest_cycles"]
    tb.store.busy.value = round(256 * spec["memory"]["busy_share"])
    tb.store.random.value = spec["seed"] + 1
    bench = _Bench(tb, transport, token_words(tokens, *paces, config), patience, folder)
    await bench.reset()
    if spec["interrupt_cycle"] is not None:
        await bench.run_until(spec["interrupt_cycle"])
        await bench.reset()
        pins.forget_pulses_and_log()
    started = time.perf_counter()
    first_cycle = bench.cycle
    words = await bench.run_to_end()
    seconds = time.perf_counter() - started
    if tb.store.misused.value:
        raise ProtocolError("a request names no column, or an unanswered tag")
    y_code, latency = results_of(words, config)
    np.savez(
        folder / "results.npz",
        y=y_code.reshape(tokens["q"].shape),
        latency_cycles=latency.reshape(tokens["q"].shape[:-1]),
        events=pins.events,
        status=json.dumps(status_of(tb.status.value.binstr, config)),
        oldest_read_cycles=max(pins.oldest_read_cycles.values()),
        seconds=seconds,
        cycles=bench.cycle - first_cycle,
    )


class _Bench:
    """The token streams of ``tb``, fed and emptied around the transport's steps."""

    def __init__(
        self,
        tb: Any,
        transport: Transport,
        words: list[str],
        patience_cycles: int,
        folder: Path,
    ) -> None:
        self.cycle = 0
        self._tb = tb
        self._transport = transport
        self._words = words
        self._patience = patience_cycles
        self._push_word = Raw(tb.streams.push_word)
        self._pushed_total = Raw(tb.streams.pushed)
        self._results = [Raw(tb.streams.results[index]) for index in range(RESULTS_HELD)]
        self._progress = Raw(tb.progress)
        self._progress_file = (folder / "progress").open("w")
        self._reported = 0.0
        self._base = self._pushed = 0
        self._is_reset = False
        self._last_progress = ""
        self._counts = (0, 0)

    async def reset(self) -> None:
        """Hold reset for two cycles, drop tokens not taken, and hand over the first ones anew."""
        self._tb.rst.value = 1
        self._tb.hold.value = 1
        for _ in range(2):
            if self._is_reset:
                await self._transport.tick()
            else:
                await FallingEdge(self._tb.clk)  # the wires are unknown, nobody must look
        self._is_reset = True
        self._base += self._pushed
        self._pushed = 0
        self._last_progress = ""
        self._tb.rst.value = 0
        await self._transport.tick()
        for _ in range(min(TOKENS_AHEAD, len(self._words))):
            self._push()
            await self._transport.tick()
        self._tb.hold.value = 0

    async def run_until(self, cycle: int) -> None:
        """Run until ``cycle``, keeping no results."""
        while self.cycle < cycle:
            self.cycle = await self._transport.advance()
            accepted, _ = self._read_progress()
            self._push_if_due(accepted)

    async def run_to_end(self) -> list[str]:
        """Run until every token has its result; return the result words in order."""
        words: list[str] = []
        last_progress = self.cycle
        while len(words) < len(self._words):
            self.cycle = await self._transport.advance()
            accepted, delivered = self._read_progress()
            if delivered > len(words):
                for index in range(len(words), delivered):
                    words.append(self._results[(self._base + index) % RESULTS_HELD].read())
                last_progress = self.cycle
                self._report(len(words))
            elif self.cycle - last_progress > self._patience:
                raise ProtocolError(
                    f"cycle {self.cycle}: no result for {self.cycle - last_progress} cycles, "
                    f"{accepted} tokens accepted, {delivered} results delivered"
                )
            self._push_if_due(accepted)
        if delivered > len(self._words):
            raise ProtocolError(f"{delivered} results for {len(self._words)} tokens")
        return words

    def _push_if_due(self, accepted: int) -> None:
        if self._pushed < min(accepted + TOKENS_AHEAD, len(self._words)):
            self._push()

    def _push(self) -> None:
        self._push_word.write(self._words[self._pushed])
        self._pushed += 1
        self._pushed_total.write(format(self._base + self._pushed, "032b"))

    def _read_progress(self) -> tuple[int, int]:
        """Tokens accepted and results delivered since the latest reset."""
        text = self._progress.read()
        if text != self._last_progress:
            if text[0] != "0":
                raise ProtocolError(f"cycle {self.cycle}: a result changed while it was refused")
            self._last_progress = text
            self._counts = int(text[1:33], 2) - self._base, int(text[33:], 2) - self._base
        return self._counts

    def _report(self, done: int) -> None:
        now = time.perf_counter()
        if now - self._reported > SECONDS_BETWEEN_REPORTS:
            self._reported = now
            self._progress_file.seek(0)
            self._progress_file.write(str(done))
            self._progress_file.flush()
