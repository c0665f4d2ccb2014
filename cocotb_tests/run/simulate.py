"""``simulate``: run tokens through a compiled simulation and return the answers of the head."""

import json
import shutil
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cocotb_tools.config import pygpi_entry_point
from find_libpython import find_libpython
from numpy.typing import NDArray
from tqdm import tqdm

from gaincell.behavioral.codes import check_first, check_sequence
from gaincell.behavioral.events import Events
from gaincell.behavioral.faults import Faults
from gaincell.behavioral.tokens import Tokens, check_heads
from gaincell.cocotb_tests.bench.recorder import Recorded, of_plain
from gaincell.cocotb_tests.bench.transports import TRANSPORTS
from gaincell.cocotb_tests.bench.words import PACE_BITS, status_of
from gaincell.cocotb_tests.run.build import Simulation
from gaincell.cocotb_tests.run.simulators import SIMULATORS, TOP, WAVES
from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig, core_of
from gaincell.files import replacing, scratch_folder
from gaincell.refusals import Failed, Unable, first_line
from gaincell.system.processes import reason, run

TEST_MODULE = "gaincell.cocotb_tests.run.testbench"
RUN_FOLDER = "GAINCELL_RUN_FOLDER"
OUTCOME = "outcome.json"
LONGEST_MEMORY = (1 << 31) - 1
RUN_ENVIRONMENT = {
    # Threads of the matrix library cost more than they gain on arrays of this size.
    "OPENBLAS_NUM_THREADS": "1",
    # No rewriting of assertions in the modules that a run imports: that takes longer than the run.
    "COCOTB_REWRITE_ASSERTION_FILES": "",
}


class SimulationFailed(Failed):
    """The head broke a rule of the arrays or of its streams; the message says which and when."""


class SimulatorStopped(Unable):
    """The simulator ended before it gave an answer; the message quotes its log."""


@dataclass(frozen=True)
class Memory:
    """The memory that holds digital copies of the columns and answers requests for them.

    slowest_cycles : it answers after 0 to that many cycles, below 2**31
    quick_share : share of requests that it answers at once, 0..1
    burst_cycles : answers leave together, in the first few of that many cycles; 0: at any time
    busy_share : share of time in which it takes no request, 0..1
    busy_cycles : cycles for which it is busy, or not, at least
    """

    slowest_cycles: int = 0
    quick_share: float = 0.0
    burst_cycles: int = 0
    busy_share: float = 0.0
    busy_cycles: int = 1


@dataclass(frozen=True)
class Simulated:
    """Answers to T tokens with one query, or with G queries each; or of H heads in lock step.

    y_code : (T, D) or (T, G, D); or (T, H, D)
    latency_cycles : (T,) or (T, G) from a query's accept to its valid result; with beats, to that
        of its last beat
    events : what happened on the arrays, dtype EVENT
    status : the head's status at the end, fields of ``status_port``
    oldest_read_cycles : greatest age of a column at a read of its array
    seconds : wall-clock time between first and last token
    cycles : clock cycles likewise
    wires : all wires to the arrays as they changed, if they were recorded
    """

    y_code: NDArray[np.int64]
    latency_cycles: NDArray[np.int64]
    events: Events
    status: dict[str, int]
    oldest_read_cycles: int
    seconds: float
    cycles: int
    wires: Recorded | None = None


class WavesLost(Unable):
    """All tokens were simulated, but their waveform cannot be written.

    simulated : what ``simulate`` would have returned
    """

    def __init__(self, message: str, simulated: Simulated) -> None:
        super().__init__(message)
        self.simulated = simulated


def simulate(
    simulation: Simulation,
    tokens: Tokens,
    config: HeadConfig | CoreConfig,
    *,
    transport: str = "fast",
    idle: NDArray[np.integer] | None = None,
    stall: NDArray[np.integer] | None = None,
    faults: Faults | None = None,
    memory: Memory | None = None,
    beat_pause: float = 0.0,
    check_age: bool = True,
    seed: int = 0,
    interrupt_cycle: int | None = None,
    plusargs: Sequence[str] = (),
    waves: Path | None = None,
    record_wires: bool = False,
    progress: bool = False,
) -> Simulated:
    """Feed ``tokens`` to the simulated head, or core, and return its answers.

    Parameters
    ----------
    simulation : Simulation
        From ``build``.
    transport : "fast" or "per-ns"
        Python acts once per token, or sees and drives every wire in every cycle.
    idle, stall : (T,) or (T, G) cycles, optional
        Wait before a query is offered, and for how long its result is refused; below 2**16.
    memory : Memory, optional
        By default one that answers at once.
    beat_pause : float
        Share of beats, 0..1, below 1, that the test bench offers or takes a cycle late, or more.
    check_age : bool
        A read of a column older than ``config.bound_cycles`` is an error.
    seed : int
        Of the arrays' power-up state, of all faults and of the memory's waits.
    interrupt_cycle : int, optional
        Reset the head in this cycle, then run all tokens from the start.
    plusargs : sequence of str
        Given to the simulator, for Verilog that asks for them: "+name=value".
    waves : Path, optional
        Waveform file; the simulation must be built for its format.
    record_wires : bool
        Keep the wires to the arrays, from the last reset on; needs transport "per-ns".
    progress : bool
        Show a bar with tokens per second.

    Raises
    ------
    SimulationFailed
        The head broke a rule.
    SimulatorStopped
        The simulator crashed, or its disk is full.
    WavesLost
        ``waves`` cannot be written.
    """
    if transport not in TRANSPORTS:
        raise ValueError(f'transport is "{transport}", but must be one of {", ".join(TRANSPORTS)}')
    if record_wires and transport != "per-ns":
        raise ValueError(f'record_wires needs transport "per-ns", but it is "{transport}"')
    core = core_of(config)
    shape = check_sequence(*tokens.codes, core.head)
    check_heads(tokens, core)
    first = check_first(tokens.first, shape.tokens)
    memory = memory or Memory()
    if not 0 <= memory.slowest_cycles <= LONGEST_MEMORY:
        raise ValueError(
            f"slowest_cycles is {memory.slowest_cycles}, but must be 0..{LONGEST_MEMORY} cycles"
        )
    with scratch_folder("gaincell-run-") as folder:
        arrays: dict[str, Any] = tokens.arrays() | {
            "first": first,
            "idle": _waits("idle", idle, shape.queries),
            "stall": _waits("stall", stall, shape.queries),
        }
        np.savez(folder / "run.npz", **arrays)
        spec = {
            "head": core.head.fields_set(),
            "core": core.fields_set(),
            "transport": transport,
            "faults": asdict(faults or Faults()),
            "memory": asdict(memory),
            "beat_pause": beat_pause,
            "check_age": check_age,
            "seed": seed,
            "interrupt_cycle": interrupt_cycle,
            "record_wires": record_wires,
        }
        (folder / "run.json").write_text(json.dumps(spec))
        recorded = None if waves is None else f"{WAVES}{waves.suffix}"
        with _progress_bar(folder / "progress", shape.queries, progress):
            try:
                run_simulator(simulation, folder, waves=recorded, plusargs=plusargs)
                simulated = _outcome(folder, tokens, core.lock_step)
            except (SimulationFailed, Unable):
                with suppress(OSError):  # the fault of the head is the more important one
                    _keep_waves(folder, recorded, waves)
                raise
        try:
            _keep_waves(folder, recorded, waves)
        except OSError as error:
            raise WavesLost(f"waveform {waves} is lost: {first_line(error)}", simulated) from error
        return simulated


def check_waits(name: str, cycles: NDArray[np.integer]) -> None:
    """Raise ValueError unless every wait fits the test bench."""
    longest = (1 << PACE_BITS) - 1
    if cycles.size and not 0 <= cycles.min() <= cycles.max() <= longest:
        wrong = cycles.min() if cycles.min() < 0 else cycles.max()
        raise ValueError(f"{name} is {wrong}, but must be 0..{longest} cycles")


def _waits(name: str, cycles: NDArray[np.integer] | None, queries: int) -> NDArray[np.integer]:
    if cycles is None:
        return np.zeros(queries, dtype=np.int64)
    if cycles.size != queries:
        raise ValueError(f"{name} has {cycles.size} waits, but must have one for each of {queries}")
    check_waits(name, cycles)
    return cycles.ravel()


def run_simulator(
    simulation: Simulation,
    folder: Path,
    module: str = TEST_MODULE,
    *,
    waves: str | None = None,
    plusargs: Sequence[str] = (),
) -> None:
    """Run the tests of ``module`` in ``folder``; what they leave there is the answer.

    Raises SimulatorStopped if they leave no ``OUTCOME``.
    """
    simulator = SIMULATORS[simulation.simulator]
    log = folder / "run.log"
    changes = {
        # The first finds Python for the second, which starts it in the simulator.
        "GPI_USERS": f"{find_libpython()};{pygpi_entry_point()}",
        "PYGPI_PYTHON_BIN": sys.executable,
        "COCOTB_TOPLEVEL": TOP,
        "COCOTB_TEST_MODULES": module,
        "TOPLEVEL_LANG": "verilog",
        **RUN_ENVIRONMENT,
        **simulator.run_variables,
        RUN_FOLDER: str(folder),
    }
    command = [*simulator.run_command(simulation.folder, waves), *plusargs]
    status = run(command, folder, log, changes)
    if not (folder / OUTCOME).exists():
        raise SimulatorStopped(f"{simulator.name} stopped: {reason(log, status)}")


def _keep_waves(folder: Path, recorded: str | None, waves: Path | None) -> None:
    """Copy the waveform to ``waves``, also after a failed run, where it helps most."""
    if recorded is not None and waves is not None and (folder / recorded).exists():
        with replacing(waves) as unfinished:
            shutil.copyfile(folder / recorded, unfinished)


def _outcome(folder: Path, tokens: Tokens, config: HeadConfig) -> Simulated:
    outcome = json.loads((folder / OUTCOME).read_text())
    if crash := outcome.get("crash"):
        raise RuntimeError(f"the test bench failed:\n{crash}")
    if hindrance := outcome.get("hindrance"):
        raise SimulatorStopped(hindrance)
    if outcome["error"]:
        raise SimulationFailed(outcome["error"])
    wires = folder / "wires.json"
    with np.load(folder / "results.npz") as results:
        return Simulated(
            tokens.of_heads(results["y"]),
            results["latency_cycles"].reshape(len(tokens), *tokens.query_axes),
            results["events"],
            status_of(int(str(results["status"])), config),
            int(results["oldest_read_cycles"]),
            float(results["seconds"]),
            int(results["cycles"]),
            of_plain(json.loads(wires.read_text())) if wires.exists() else None,
        )


@contextmanager
def _progress_bar(report: Path, total: int, shown: bool) -> Iterator[None]:
    """A bar that shows the number of results, which the simulator writes to ``report``."""
    if not shown:
        yield
        return
    finished = threading.Event()
    with tqdm(total=total, unit=" queries", desc="co-simulating") as bar:

        def follow() -> None:
            while not finished.wait(0.2):
                try:
                    bar.update(int(report.read_text() or 0) - bar.n)
                except (OSError, ValueError):
                    continue

        follower = threading.Thread(target=follow, daemon=True)
        follower.start()
        try:
            yield
            bar.update(total - bar.n)
        finally:
            finished.set()
            follower.join()
