"""Runs ngspice as a program: a deck goes in, waves come out as numpy arrays."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gaincell.cocotb_tests.run.tools import require
from gaincell.files import scratch_folder
from gaincell.refusals import Refused, foreign
from gaincell.spice.raw_file import Waves, read_raw
from gaincell.system.environment import environment
from gaincell.system.processes import child

PROGRAM = "ngspice"
SETTINGS = "set ngbehavior=hsa\nset num_threads=1\nset skywaterpdk\n"
"""Of each run's own .spiceinit, so that no file in a user's home changes a result."""
LIMIT_S = 120.0
"""Time after which a simulation counts as one that does not converge."""
WRONG = re.compile(
    r"timestep too small|singular matrix|aborted|no convergence|unknown model|unable to find"
    r"|could not find|unknown subckt|undefined parameter|fatal|^error|no such|simulation\(s\) ab",
    re.IGNORECASE,
)
"""Lines in which ngspice says that a result is none; its exit status does not tell."""
LONGEST = 200
"""Characters of a line that a message quotes."""
UNDEFINED = re.compile(r"Undefined parameter \[(\w+)\]")
"""What ngspice says of a parameter that a design lacks."""
LATEST = 1e-6
"""Part of the simulated time that may be missing at its end."""


class NoResult(Exception):
    """ngspice gave no usable result: the deck is wrong, or does not converge. One sentence."""


class TooSlow(NoResult):
    """It may give one, but did not within its time."""


@dataclass(frozen=True)
class Deck:
    """One simulation.

    text : the deck, with its analysis, its ``.save`` and ``.end``
    what : what is simulated, for messages: "the table of charges"
    stop_s : end of the transient; None for another analysis
    plots : results that the analysis gives; the first counts
    """

    text: str
    what: str
    stop_s: float | None = None
    plots: int = 1


def need_ngspice() -> None:
    """Raise MissingTool, which names the Debian package, unless ngspice is installed."""
    require(PROGRAM, "a simulation of transistors")


@cache
def ngspice_version() -> str:
    """The version that ngspice says of itself, such as "ngspice-39"."""
    need_ngspice()
    said = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"ngspice-[\w.]+", said.stdout + said.stderr)
    return found[0] if found else "ngspice of unknown version"


def simulate(deck: Deck, limit_s: float = LIMIT_S) -> Waves:
    """The waves of the deck's analysis.

    Raises
    ------
    Unable
        ngspice is missing or cannot be started.
    Refused
        The design lacks a parameter of its netlist.
    NoResult
        It finds no solution, names an error, or takes longer than ``limit_s``.
    """
    need_ngspice()
    with scratch_folder("gaincell-spice-") as folder:
        (folder / ".spiceinit").write_text(SETTINGS)
        (folder / "deck.sp").write_text(deck.text)
        log = folder / "log"
        try:
            _run(folder, log, limit_s)
        except subprocess.TimeoutExpired as error:
            raise TooSlow(f"{deck.what} did not end within {limit_s:.0f} s") from error
        said = log.read_text(errors="replace")
        if undefined := UNDEFINED.search(said):
            raise Refused(
                f"the netlist takes {undefined[1]}, but neither [sizes] of design.toml nor the "
                f"models have such a parameter: {deck.what} cannot be simulated"
            )
        wrong = next((line.strip() for line in said.splitlines() if WRONG.search(line)), None)
        raw = folder / "out.raw"
        if wrong is not None or not raw.exists():
            reason = wrong or "ngspice wrote no result"
            raise NoResult(f"{deck.what} has no result: {reason[:LONGEST]}")
        return _checked(deck, raw)


def _run(folder: Path, log: Path, limit_s: float) -> None:
    command = [PROGRAM, "-b", "-r", "out.raw", "deck.sp"]
    with (
        log.open("wb") as stream,
        # HOME: a .spiceinit there would be read, too.
        child(
            command,
            cwd=folder,
            env=environment(HOME=str(folder)),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        process.wait(limit_s)


def _checked(deck: Deck, raw: Path) -> Waves:
    with foreign(f"the result of {deck.what} is damaged"):
        plots = read_raw(raw)
    if len(plots) != deck.plots:
        raise NoResult(f"{deck.what} has {len(plots)} results, not {deck.plots}")
    waves = plots[0]
    if deck.stop_s is not None:
        reached = float(waves["time"][-1]) if len(waves["time"]) else 0.0
        if reached < deck.stop_s * (1 - LATEST):
            raise NoResult(
                f"{deck.what} stopped at {reached:.4g} s of {deck.stop_s:.4g} s: no convergence"
            )
    return waves
