"""Runs that are cut off, in processes of their own: they go on bit for bit, or say why not."""

import random
import resource
import shutil
import signal
import time
from pathlib import Path

import pytest
from finetune_runs import PAPER, left_unfinished, make_folder, metrics, spawn, write_run

pytestmark = pytest.mark.slow

FINETUNE = ("-m", "gaincell", "finetune", "run.toml")

DYING = """
import os, signal, sys
import gaincell.files
from gaincell.cli import main
from gaincell.ml.finetune.trainer import StageTrainer

what, number = sys.argv[1], int(sys.argv[2])
calls = {"step": 0, "write": 0}

def counting(name, function):
    def counted(*args, **options):
        calls[name] += 1
        if name == what and calls[name] == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*args, **options)
    return counted

StageTrainer.compute_loss = counting("step", StageTrainer.compute_loss)
gaincell.files._sync = counting("write", gaincell.files._sync)
sys.exit(main(["finetune", "run.toml"]))
"""
"""Kills itself in the given step, or while it puts the given file on the disk."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A folder in which the paper's flow, with faults and a teacher, ran without a break."""
    folder = tmp_path_factory.mktemp("whole")
    make_folder(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        # GPT-2 has dropout: random numbers that must come back as well.
        write_run(PAPER | {"model": {"name": "gpt2"}})
        said = spawn(*FINETUNE)
        assert said.wait() == 0, said.stderr.read()
        said.communicate()
    return folder


@pytest.fixture
def folder(whole, tmp_path, monkeypatch):
    """What ``whole`` began with, as the present folder."""
    for each in whole.iterdir():
        if each.name != "run":
            (shutil.copytree if each.is_dir() else shutil.copy)(each, tmp_path / each.name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def finish(*command, **options):
    """Exit status and standard error of a process."""
    process = spawn(*command, **options)
    error = process.communicate()[1]
    return process.returncode, error


def ends_as(whole):
    status, error = finish(*FINETUNE)
    assert status == 0, error
    found, expected = metrics(), metrics(whole / "run")
    assert found == expected
    assert not left_unfinished()
    for name in ("model.safetensors", "config.json"):
        assert Path("run/model", name).read_bytes() == (whole / "run/model" / name).read_bytes()


def test_killed_at_any_step_it_goes_on_bit_for_bit(whole, folder):
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    rng = random.Random(seed)
    assert len(metrics(whole / "run")["losses"]["linear"]) == 5
    # 9 steps, at least one of them is new after each death.
    for _ in range(3):
        status, error = finish("-c", DYING, "step", str(rng.randint(1, 4)))
        if status == 0:
            break
        assert status == -signal.SIGKILL, error
    ends_as(whole)


def test_killed_at_the_stages_border_it_goes_on_bit_for_bit(whole, folder):
    # The linear stage is done, and the first of the nonlinear steps is not.
    assert finish("-c", DYING, "step", "6")[0] == -signal.SIGKILL
    assert [each.name for each in sorted(Path("run/checkpoints").iterdir())] == [
        "linear-000004",
        "linear-000005",
    ]
    ends_as(whole)


def test_killed_while_it_writes_a_checkpoint_it_uses_the_one_before(whole, folder):
    # The run's folder is made with 4 of these writes, and a checkpoint takes more than 6.
    assert finish("-c", DYING, "write", "20")[0] == -signal.SIGKILL
    there = sorted(each.name for each in Path("run/checkpoints").iterdir())
    assert there[0].startswith(".unfinished-")
    assert there[1:] == ["linear-000002"]
    ends_as(whole)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_it_says_so_and_goes_on_later(whole, folder, number):
    process = spawn(*FINETUNE)
    deadline = time.monotonic() + 100
    while not list(Path().glob("run/checkpoints/linear-*")):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    error = process.communicate()[1]
    assert process.returncode == 130
    assert "gaincell: stopping after this step" in error
    assert "the same command goes on from there" in error
    assert "Traceback" not in error
    ends_as(whole)


def test_a_file_that_cannot_be_written_ends_it_with_the_last_checkpoint_named(whole, folder):
    assert finish("-c", DYING, "step", "4")[0] == -signal.SIGKILL
    largest = 150_000
    assert Path("run/checkpoints/linear-000002/optimizer.safetensors").stat().st_size > largest

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))

    status, error = finish(*FINETUNE, preexec_fn=limit)
    assert status == 1
    said = error.strip().splitlines()[-1]
    assert said.startswith("gaincell: the checkpoint of step 4 of [linear] cannot be written: ")
    assert "the last checkpoint is run/checkpoints/linear-000002: make room" in said
    assert "Traceback" not in error
    assert not left_unfinished()
    assert [each.name for each in Path("run/checkpoints").iterdir()] == ["linear-000002"]
    ends_as(whole)
