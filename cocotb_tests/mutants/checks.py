"""What the dynamic checks say to each mutant: the shipped testbench, and the scenarios."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from gaincell.cocotb_tests.mutants.mutate import PLUSARG, Mutant, draw_mutants, with_all, with_one
from gaincell.cocotb_tests.mutants.scenarios import (
    CORE_PARTS,
    CORES,
    HEADS,
    Scenario,
    scenarios,
)
from gaincell.cocotb_tests.plain.plain_testbench import plain_testbench
from gaincell.cocotb_tests.run.build import build, compile_in
from gaincell.cocotb_tests.run.simulate import SimulatorStopped
from gaincell.cocotb_tests.run.tools import require
from gaincell.cocotb_tests.run.verify import verify
from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig, core_of
from gaincell.files import scratch_folder
from gaincell.hdl.verilog import head_verilog
from gaincell.refusals import Failed
from gaincell.system.processes import run

LIMIT_S = 300
"""A mutant that runs longer is noticed: the head takes a few seconds, on a busy machine too."""
HEAD_ITSELF = 0


@dataclass(frozen=True)
class Noticed:
    """Which check noticed a mutant, and the first sentence that it said."""

    check: str
    symptom: str


class MutantHead:
    """The mutants of one of ``HEADS``, compiled into one simulation and one testbench.

    Of one of ``CORES`` only ``CORE_PARTS`` are changed; no testbench is shipped for one in beats.

    Parameters
    ----------
    count, seed : of ``draw_mutants``
    folder : where the compiled testbench is kept

    Raises
    ------
    MissingTool
        A simulator is not installed.
    """

    def __init__(self, name: str, count: int, seed: int, folder: Path) -> None:
        self.name = name
        self.config: HeadConfig | CoreConfig = (HEADS | CORES)[name]
        self.asks_testbench = not core_of(self.config).in_beats
        if self.asks_testbench:
            require("iverilog", "the shipped testbench")
        self.verilog = head_verilog(self.config)
        parts = CORE_PARTS if name in CORES else None
        self.mutants: list[Mutant] = draw_mutants(self.verilog, count, seed, parts)
        self.scenarios: dict[str, Scenario] = scenarios(self.config)
        self._all = with_all(self.verilog, self.mutants)
        self._program = folder / f"{name}.vvp"

    def compile(self) -> None:
        """Compile what the checks run, once for all processes."""
        for scenario in self.scenarios.values():
            build(scenario.config, verilog=self._all)
        if not self.asks_testbench:
            return
        with scratch_folder("gaincell-mutants-") as folder:
            (folder / "head.v").write_text(self._all)
            (folder / "head_tb.v").write_text(plain_testbench(self.config))
            command = ["iverilog", "-o", str(self._program), "head.v", "head_tb.v"]
            compile_in(folder, command, {}, "iverilog cannot build the testbench")

    def wrong_verilog(self, number: int) -> str:
        """The Verilog of one mutant by itself."""
        return with_one(self.verilog, self.mutants[number - 1])

    def ask_testbench(self, number: int) -> Noticed | None:
        """What the shipped testbench says to a mutant; None: it passes, or is not asked."""
        if not self.asks_testbench:
            return None
        command = ["vvp", "-n", str(self._program), f"+{PLUSARG}={number}"]
        with scratch_folder("gaincell-mutant-") as folder:
            log = folder / "run.log"
            try:
                with _limit():
                    status = run(command, folder, log)
            except _TooLong as noticed:
                return Noticed("testbench", str(noticed))
            said = log.read_text()
        if status == 0 and "\nPASS: " in said:
            return None
        return Noticed("testbench", next(iter(said.splitlines()), "it stopped"))

    def ask_scenarios(self, number: int) -> Noticed | None:
        """The first scenario whose co-simulation refuses a mutant; None: all pass."""
        for name, scenario in self.scenarios.items():
            try:
                with _limit():
                    verify(
                        scenario.config,
                        scenario.tokens,
                        verilog=self._all,
                        plusargs=(f"+{PLUSARG}={number}",),
                        **scenario.how,
                    )
            except (Failed, _TooLong, SimulatorStopped) as noticed:
                return Noticed(name, str(noticed))
            except RuntimeError as crash:
                if number == HEAD_ITSELF:
                    raise
                return Noticed(name, f"the bench stopped: {str(crash).splitlines()[-1]}")
        return None


class _TooLong(Exception):
    """A simulation does not end."""


@contextmanager
def _limit() -> Iterator[None]:
    """Raise _TooLong after ``LIMIT_S``; in the main thread of a process only."""

    def stop(*_: object) -> NoReturn:
        raise _TooLong(f"no end after {LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LIMIT_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
