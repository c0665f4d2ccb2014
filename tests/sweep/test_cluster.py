"""Sweeps on real workers that die, lose their scheduler, or find the disk full."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest
from sweeps import kept, start_command, write_sweep

from gaincell.cli import main
from gaincell.refusals import Unable
from gaincell.sweep.cluster import Where
from gaincell.sweep.kept import read_kept
from gaincell.sweep.run import jobs_of, kept_of, plan, run_jobs
from gaincell.sweep.sweep_file import read_sweep
from gaincell.sweep.table import CSV, PARQUET

pytestmark = [pytest.mark.slow, pytest.mark.needs("sweep")]
SECONDS = 240
TWO = Where(workers=2)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("GAINCELL_CACHE", str(folder))
    return folder


def wait_until(true, process=None):
    end = time.monotonic() + SECONDS
    while not true():
        assert process is None or process.poll() is None, "it ended before"
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_sweep_killed_twice_makes_the_table_of_an_undisturbed_one(tmp_path, cache):
    path = write_sweep(tmp_path, saturations=5, tokens=30)
    options = ("-o", str(tmp_path / "killed"), "--workers", "2")
    seen = []
    for least in (8, 25):
        process = start_command(tmp_path, *options, cache=cache)
        wait_until(lambda least=least: kept(cache) >= least, process)
        process.kill()
        process.wait()
        seen.append(kept(cache))
        assert not (tmp_path / "killed" / CSV).exists()
    assert seen[0] < seen[1] < 60
    process = start_command(tmp_path, *options, cache=cache)
    assert process.wait(SECONDS) == 0
    said = re.findall(r"(\d+) kept from earlier", (tmp_path / "log").read_text())
    assert [int(count) for count in said] == [0, *seen]

    whole = tmp_path / "whole"
    other = tmp_path / "other-cache"
    process = start_command(tmp_path, "-o", str(whole), "--workers", "2", cache=other)
    assert process.wait(SECONDS) == 0
    for name in (CSV, PARQUET):
        assert (tmp_path / "killed" / name).read_bytes() == (whole / name).read_bytes()
    assert path.exists()
    # A second sweep that shares points takes them from the first: no cluster starts.
    write_sweep(tmp_path, saturations=3, tokens=30)
    assert main(["sweep", str(path), "-o", str(tmp_path / "less")]) == 0


def test_a_worker_killed_in_mid_run_costs_nothing_but_time(tmp_path, cache):
    jobs = list(jobs_of(plan(read_sweep(write_sweep(tmp_path, tokens=30)))).values())
    workers = []

    def started(client):
        client.wait_for_workers(2, timeout=SECONDS)
        workers.extend(client.run(os.getpid).values())

    def done(job, outcome):
        if len(workers) == 2 and kept(cache) >= 3:
            os.kill(workers.pop(), signal.SIGKILL)

    outcomes = run_jobs(jobs, TWO, started=started, done=done)
    assert len(workers) == 1
    assert len(outcomes) == kept(cache) == len(jobs) == 24
    assert all("result" in outcome for outcome in outcomes.values())


def test_a_lost_scheduler_ends_the_sweep_and_another_one_finishes_it(tmp_path, cache):
    path = write_sweep(tmp_path, saturations=4, tokens=30)
    options = ("-o", str(tmp_path / "out"), "--scheduler")
    for last in (False, True):
        file = tmp_path / f"scheduler-{last}.json"
        with dask("scheduler", file) as scheduler, dask("worker", file):
            wait_until(file.exists, scheduler)
            address = re.search(r"tcp://[\d.:]+", file.read_text())[0]
            process = start_command(path.parent, *options, address, cache=cache)
            if not last:
                wait_until(lambda: kept(cache) >= 4, process)
                scheduler.kill()
            status = process.wait(SECONDS)
        log = (tmp_path / "log").read_text()
        if not last:
            assert status == 3, log
            assert re.search(r"the scheduler was lost: \d+ of 48 results are kept", log)
            assert not (tmp_path / "out" / CSV).exists()
            assert 4 <= kept(cache) < 48
    assert status == 0, log
    assert kept(cache) == 48
    assert (tmp_path / "out" / CSV).exists()


class dask:  # noqa: N801
    """A scheduler, or two workers, in a process of their own; killed at the end."""

    def __init__(self, part, file):
        module = f"distributed.cli.dask_{part}"
        own = ["--host", "127.0.0.1", "--port", "0"] if part == "scheduler" else []
        own += ["--nworkers", "2", "--nthreads", "1"] if part == "worker" else []
        own += ["--scheduler-file", str(file), "--no-dashboard"]
        self.command = [sys.executable, "-m", module, *own]

    def __enter__(self):
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(
            self.command, stdout=quiet, stderr=quiet, start_new_session=True
        )
        return self.process

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.mark.needs("mount")
def test_a_full_disk_ends_the_sweep_and_keeps_what_it_had(tmp_path, monkeypatch):
    small = tmp_path / "small"
    small.mkdir()
    monkeypatch.setenv("GAINCELL_CACHE", str(small))
    path = write_sweep(tmp_path)
    jobs = jobs_of(plan(read_sweep(path)))
    mount = ["mount", "-t", "tmpfs", "-o", "size=40k", "tmpfs", str(small)]
    subprocess.run(mount, check=True)
    try:
        with pytest.raises(Unable, match=r"No space left on device; [0-9]+ of 24 results are kept"):
            run_jobs(list(jobs.values()), TWO)
        count = kept(small)
        assert 0 < count < 24
        assert len(kept_of(jobs)) == count
        assert not list((small / "sweep").glob(".unfinished-*"))
        subprocess.run(["mount", "-o", "remount,size=1m", str(small)], check=True)
        assert main(["sweep", str(path), "-o", str(tmp_path / "out"), "--workers", "1"]) == 0
        assert kept(small) == 24
        assert all(read_kept(place) for place in jobs)
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


def test_a_batch_system_starts_the_workers(tmp_path, cache, monkeypatch):
    programs = tmp_path / "bin"
    programs.mkdir()
    # As the real one, it keeps the script, which is removed once it has been submitted.
    submitted = f'cp "$1" {tmp_path}/job\nsh {tmp_path}/job >{tmp_path}/worker 2>&1 &'
    for name, text in {
        "sbatch": f"{submitted} echo Submitted batch job $!",
        "scancel": 'kill "$@"',
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setenv("DASK_JOBQUEUE__SLURM__CORES", "1")
    monkeypatch.setenv("DASK_JOBQUEUE__SLURM__QUEUE", "short")
    write_sweep(tmp_path)
    options = ("-o", str(tmp_path / "out"), "--cluster", "slurm", "--memory-gb", "1")
    process = start_command(tmp_path, *options, cache=cache)
    assert process.wait(SECONDS) == 0, (tmp_path / "log").read_text()
    assert kept(cache) == 24
    assert "#SBATCH -p short" in (tmp_path / "job").read_text()
