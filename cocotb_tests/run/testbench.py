"""Runs inside the simulator: feeds tokens, lets the arrays answer, collects results.

``simulate.py`` starts it and names the run folder in an environment variable.
"""

import json
import os
import time
import traceback
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ValueChange

from gaincell.behavioral.faults import Faults
from gaincell.behavioral.pins import ArrayPins, ElectricalError
from gaincell.behavioral.tokens import Tokens
from gaincell.cocotb_tests.bench.recorder import RecordingPins, plain
from gaincell.cocotb_tests.bench.signals import Signal, UnknownWire
from gaincell.cocotb_tests.bench.streams import Bench, ProtocolError
from gaincell.cocotb_tests.bench.transports import FastTransport, PerNsTransport, Transport
from gaincell.cocotb_tests.bench.words import results_of, token_words
from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig

SECONDS_BETWEEN_REPORTS = 0.2


class Raw:
    """A signal handle, read and written as a whole number without the cost of typed values."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle._handle
        self._name = handle._name
        self._format = f"0{len(handle)}b"

    def read(self) -> int:
        text: str = self._handle.get_signal_val_binstr()
        try:
            return int(text, 2)
        except ValueError as error:
            raise UnknownWire(f"the head drives unknown values: {self._name}") from error

    def write(self, value: int) -> None:
        self._handle.set_signal_val_binstr(0, format(value, self._format))


class CocotbSignals:
    """The signals of ``tb`` as ``Signals``."""

    def __init__(self, tb: Any, transport: str) -> None:
        self._tb = tb
        self.edge: Awaitable[object] = FallingEdge(tb.clk)
        self.wake: Awaitable[object] = self.edge
        if transport == "fast":
            self.wake = ValueChange(self._handle("transport.wake"))

    def one(self, name: str) -> Signal:
        return Raw(self._handle(name))

    def many(self, name: str, count: int) -> list[Signal]:
        handle = self._handle(name)
        return [Raw(handle[index]) for index in range(count)]

    def _handle(self, name: str) -> Any:
        handle = self._tb
        for part in name.split("."):
            handle = getattr(handle, part)
        return handle


@cocotb.test()
async def run_tokens(tb: Any) -> None:
    """Run the tokens of ``run.npz`` and write ``outcome.json`` and ``results.npz``."""
    folder = Path(os.environ["GAINCELL_RUN_FOLDER"])
    try:
        await _run(tb, folder)
        outcome: dict[str, str | None] = {"error": None}
    except (ElectricalError, ProtocolError, UnknownWire) as error:
        outcome = {"error": str(error)}
    except OSError as error:
        outcome = {"error": None, "hindrance": str(error)}
    except Exception:
        outcome = {"error": None, "crash": traceback.format_exc()}
    (folder / "outcome.json").write_text(json.dumps(outcome))


async def _run(tb: Any, folder: Path) -> None:
    spec = json.loads((folder / "run.json").read_text())
    core = CoreConfig(head=HeadConfig(**spec["head"]), **spec["core"])
    config = core.lock_step
    with np.load(folder / "run.npz") as stored:
        tokens = Tokens.of_arrays(stored)
        paces = stored["idle"], stored["stall"]
    rng = np.random.default_rng(spec["seed"])
    kind = RecordingPins if spec["record_wires"] else ArrayPins
    groups = None if core.groups == 1 else core.groups
    faults = Faults(**spec["faults"])
    pins = kind(core.head, faults, rng, check_age=spec["check_age"], groups=groups)
    longest_waits = sum(int(pace.max(initial=0)) for pace in paces)
    beats = round(core.beats_of_a_query / (1 - spec["beat_pause"]))
    patience = config.stopped_after_cycles + longest_waits + 4 * beats

    Clock(tb.clk, 1, unit="ns", impl="gpi").start()
    signals = CocotbSignals(tb, spec["transport"])
    transport: Transport
    if spec["transport"] == "per-ns":
        transport = PerNsTransport(signals, pins, config)
    else:
        transport = FastTransport(signals, pins, config, patience)
    memory = spec["memory"]
    signals.one("store.slowest").write(memory["slowest_cycles"])
    signals.one("store.quick").write(round(256 * memory["quick_share"]))
    signals.one("store.burst").write(memory["burst_cycles"])
    signals.one("store.busy").write(round(256 * memory["busy_share"]))
    signals.one("store.span").write(memory["busy_cycles"])
    # A random state of 0 would stay 0.
    signals.one("store.seed").write(spec["seed"] % (2**32 - 1) + 1)
    signals.one("beat_pause").write(round(256 * spec["beat_pause"]))
    signals.one("beat_seed").write(spec["seed"] % (2**32 - 1) + 1)
    bench = Bench(signals, transport, config, patience, _Report(folder / "progress"))
    together = tokens.in_lock_step()
    words = token_words(together, *paces, config)
    await bench.reset()
    pins.expect(together)
    await bench.start(words)
    if spec["interrupt_cycle"] is not None:
        await bench.run_until(spec["interrupt_cycle"])
        await bench.reset()
        pins.forget_pulses_and_log()
        pins.expect(together)
        await bench.start(words)
    started = time.perf_counter()
    first_cycle = bench.cycle
    results = await bench.finish()
    seconds = time.perf_counter() - started
    y_code, latency = results_of(results, config)
    if isinstance(pins, RecordingPins):
        (folder / "wires.json").write_text(json.dumps(plain(pins)))
    np.savez(
        folder / "results.npz",
        y=y_code,
        latency_cycles=latency,
        events=pins.events,
        status=str(signals.one("status").read()),
        oldest_read_cycles=max(pins.oldest_read_cycles.values()),
        seconds=seconds,
        cycles=bench.cycle - first_cycle,
    )


class _Report:
    """Writes the number of results to a file, a few times a second, for the progress bar."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w")
        self._last = 0.0

    def __call__(self, done: int) -> None:
        now = time.perf_counter()
        if now - self._last > SECONDS_BETWEEN_REPORTS:
            self._last = now
            self._file.seek(0)
            self._file.write(str(done))
            self._file.flush()
