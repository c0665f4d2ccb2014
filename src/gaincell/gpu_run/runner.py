"""Runs the parts one after the other until time is over; what is recorded is not run again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from gaincell.gpu_run.parts import Part, left, part_of
from gaincell.gpu_run.places import Places
from gaincell.gpu_run.records import FILE, Record, Records, read_all, write_records
from gaincell.tables import read_json

STOPPED = 130
"""Status of a part that a signal stopped and that can go on, and of a run that time cut off."""
LOG = "log.txt"
TOLD = 2000
"""Characters of a failed part's output in its record."""


@dataclass
class Run:
    """One call.

    out : folder for records.json, log.txt and the difference
    earlier : file of records of other calls
    limit_s : seconds of the call
    grace_s : seconds before the end at which a part is told to stop
    again : parts to run although they are recorded
    only : parts to run, with what they need; none: all
    """

    places: Places
    out: Path
    earlier: Path
    limit_s: float
    grace_s: float = 30.0
    again: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    records: Records = field(default_factory=dict)
    begun: float = field(default_factory=monotonic)

    def all_parts(self) -> int:
        """Run what is left; the status: 0, or 1 if a part failed, or ``STOPPED``."""
        work = self.places.work
        self.out.mkdir(parents=True, exist_ok=True)
        self.records = read_all([self.earlier, work / FILE])
        for name in self.again:
            self._forget(part_of(name))
        self._write()
        trainings = self.places.plan.training.which
        for part in left(set(self.records), work, trainings, self.only):
            if self._left_s() < part.least_s:
                print(f"{part.name}: {self._left_s():.0f} s are left, too few to begin")
                return STOPPED
            lacking = [n for n in part.needs if not self._there(n)]
            if lacking:
                print(f"{part.name}: left out, as {lacking[0]} failed")
                continue
            print(f"{part.name}: {part.what}", flush=True)
            record = self._run(part)
            if record is None:
                print(f"{part.name}: stopped; the same call goes on from there")
                return STOPPED
            self.records[part.name] = record
            self._write()
            print(f"{part.name}: {record.state}, {record.seconds:.0f} s", flush=True)
        return int(any(each.state == "failed" for each in self.records.values()))

    def _left_s(self) -> float:
        """Seconds until a part is told to stop."""
        return self.limit_s - self.grace_s - (monotonic() - self.begun)

    def _there(self, name: str) -> bool:
        return all(path.exists() for path in part_of(name).products(self.places.work))

    def _forget(self, part: Part) -> None:
        """Let a part run again, from its beginning."""
        self.records.pop(part.name, None)
        work = self.places.work
        folder = work if part.product is None else work / Path(part.product).parts[0]
        for path in (work / f"{part.name}.json", self._spent(part), work / f"{part.name}.toml"):
            path.unlink(missing_ok=True)
        if folder != work:
            shutil.rmtree(folder, ignore_errors=True)

    def _run(self, part: Part) -> Record | None:
        """A part in a process of its own; None: it was stopped."""
        words = [sys.executable, "-m", "gaincell.gpu_run", "part", part.name]
        words += ["--work", str(self.places.work), "--left-s", f"{self._left_s():.0f}"]
        log, begun = self.places.work / LOG, monotonic()
        place = log.stat().st_size if log.is_file() else 0
        with log.open("a", encoding="utf-8") as stream:
            child = subprocess.Popen(
                words, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True
            )
            stopped = self._wait(child)
        seconds = self._spend(part, monotonic() - begun)
        if child.returncode == STOPPED or (stopped and child.returncode):
            return None
        about: dict[str, Any] = {
            "command": f"benchmarks/gpu_run.sh part {part.name}",
            "revision": str(self.places.about["revision"]),
            "seconds": round(seconds, 1),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        file = self.places.figures_file(part.name)
        if child.returncode == 0:
            return Record(state="done", **about, **read_json(file, "figures"))
        said = log.read_bytes()[place:].decode("utf-8", "replace").strip()
        where = read_json(file, "figures") if file.is_file() else {}
        file.unlink(missing_ok=True)
        return Record(
            state="failed",
            **about,
            device=where.get("device", "unknown"),
            versions=where.get("versions", {}),
            figures={},
            error=said[-TOLD:] or f"it ended with status {child.returncode}",
        )

    def _wait(self, child: subprocess.Popen[bytes]) -> bool:
        """Wait for a part; whether it was told to stop."""
        try:
            child.wait(max(0.0, self._left_s()))
            return False
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGTERM)
        try:
            child.wait(max(0.0, self._left_s() + 0.9 * self.grace_s))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        return True

    def _spent(self, part: Part) -> Path:
        return self.places.work / f"{part.name}.seconds"

    def _spend(self, part: Part, seconds: float) -> float:
        """Add to a part's seconds, of all calls."""
        file = self._spent(part)
        total = seconds + (float(file.read_text()) if file.is_file() else 0.0)
        file.write_text(f"{total}\n")
        return total

    def _write(self) -> None:
        """The records, for the next call and for whoever called; and what else is to be kept."""
        for folder in (self.places.work, self.out):
            write_records(folder / FILE, self.records)
        places = self.places
        for path in (places.work / LOG, places.small_start, places.difference):
            if path.is_file():
                shutil.copyfile(path, self.out / path.name)
