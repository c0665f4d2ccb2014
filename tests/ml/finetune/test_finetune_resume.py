"""Runs that are cut off, in processes of their own: they go on bit for bit, or say why not."""

import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest
from finetune_runs import PAPER, left_unfinished, metrics, spawn, write_run
from forks import Forks

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def forks():
    """Where runs come from, all but the one of ``unbroken``."""
    forks = Forks()
    yield forks
    forks.close()


@pytest.fixture(scope="module")
def unbroken(material, tmp_path_factory):
    """A folder in which the paper's flow, with faults and a teacher, ran without a break.

    This run is a process as a user starts it.
    """
    folder = tmp_path_factory.mktemp("unbroken")
    shutil.copytree(material, folder, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        # GPT-2 has dropout: random numbers that must come back as well.
        write_run(PAPER | {"model": {"name": "gpt2"}})
        process = spawn("-m", "gaincell", "finetune", "run.toml")
        _, error = process.communicate()
        assert process.returncode == 0, error
    return folder


@pytest.fixture
def folder(unbroken, in_a_folder):
    """What ``unbroken`` began with, as the present folder."""
    shutil.copy(unbroken / "run.toml", "run.toml")
    return in_a_folder


def started(forks, **options):
    """A process of the command; finish() has its exit status and what it said."""
    return forks.start("gaincell", "finetune", "run.toml", **options)


def ends_as(unbroken, forks):
    status, _, error = started(forks).finish()
    assert status == 0, error
    assert metrics() == metrics(unbroken / "run")
    assert not left_unfinished()
    for name in ("model.safetensors", "config.json"):
        ours, theirs = Path("run/model", name), unbroken / "run/model" / name
        assert ours.read_bytes() == theirs.read_bytes()


def test_killed_at_any_step_it_goes_on_bit_for_bit(unbroken, folder, forks):
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    rng = random.Random(seed)
    assert len(metrics(unbroken / "run")["losses"]["linear"]) == 5
    # 9 steps, at least one of them is new after each death.
    for _ in range(3):
        status, _, error = started(forks, dies=("step", rng.randint(1, 4))).finish()
        if status == 0:
            break
        assert status == -signal.SIGKILL, error
    ends_as(unbroken, forks)


def test_killed_at_the_stages_border_it_goes_on_bit_for_bit(unbroken, folder, forks):
    # The linear stage is done, and the first of the nonlinear steps is not.
    assert started(forks, dies=("step", 6)).finish()[0] == -signal.SIGKILL
    assert [each.name for each in sorted(Path("run/checkpoints").iterdir())] == [
        "linear-000004",
        "linear-000005",
    ]
    ends_as(unbroken, forks)


def test_killed_while_it_writes_a_checkpoint_it_uses_the_one_before(unbroken, folder, forks):
    # The run's folder is made with 4 of these writes, and a checkpoint takes more than 6.
    assert started(forks, dies=("write", 20)).finish()[0] == -signal.SIGKILL
    there = sorted(each.name for each in Path("run/checkpoints").iterdir())
    assert there[0].startswith(".unfinished-")
    assert there[1:] == ["linear-000002"]
    ends_as(unbroken, forks)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_it_says_so_and_goes_on_later(unbroken, folder, forks, number):
    process = started(forks)
    deadline = time.monotonic() + 100
    while not list(Path().glob("run/checkpoints/linear-*")):
        assert process.poll() is None, process.error.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, number)
    status, _, error = process.finish()
    assert status == 130
    assert "gaincell: stopping after this step" in error
    assert "the same command goes on from there" in error
    assert "Traceback" not in error
    ends_as(unbroken, forks)


def test_a_file_that_cannot_be_written_ends_it_with_the_last_checkpoint_named(
    unbroken, folder, forks
):
    assert started(forks, dies=("step", 4)).finish()[0] == -signal.SIGKILL
    largest = 150_000
    assert Path("run/checkpoints/linear-000002/optimizer.safetensors").stat().st_size > largest
    status, _, error = started(forks, largest=largest).finish()
    assert status == 3
    said = error.strip().splitlines()[-1]
    assert said.startswith("gaincell: the checkpoint of step 4 of [linear] cannot be written: ")
    assert "the last checkpoint is run/checkpoints/linear-000002: make room" in said
    assert "Traceback" not in error
    assert not left_unfinished()
    assert [each.name for each in Path("run/checkpoints").iterdir()] == ["linear-000002"]
    ends_as(unbroken, forks)
