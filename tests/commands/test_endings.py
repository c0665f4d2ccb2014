"""How commands end: one sentence and a status for what others did, a traceback for our faults."""

import os
import subprocess
import sys

import numpy as np
import pytest

from gaincell.cli import main
from gaincell.commands import config
from gaincell.refusals import Failed, Refused, Unable, foreign
from gaincell.system.console import Ended


class Novel(BaseException):
    """A kind of exception that no list names, as the panics of libraries in Rust are."""


def end_with(error, monkeypatch, capsys):
    def run(_):
        raise error

    monkeypatch.setattr(config, "run", run)
    status = main(["config", "tiny"])
    return status, capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (Failed("wrong output"), 1, "wrong output"),
        (Refused("wrong input"), 2, "wrong input"),
        (Unable("no tool"), 3, "no tool"),
        (OSError(28, "No space left on device", "x.v"), 3, "x.v: No space left on device"),
        (MemoryError(), 3, "the memory of this machine is too small for this"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (Ended(15), 143, "ended by SIGTERM"),
    ],
)
def test_each_ending_has_its_status(error, status, sentence, monkeypatch, capsys):
    assert end_with(error, monkeypatch, capsys) == (status, f"gaincell: {sentence}\n")


@pytest.mark.parametrize("error", [ZeroDivisionError("deep"), Novel("deep"), ValueError("deep")])
def test_a_fault_of_gaincell_shows_its_traceback(error, monkeypatch, capsys):
    status, said = end_with(error, monkeypatch, capsys)
    assert status == 70
    assert said.startswith("Traceback")
    assert f"{type(error).__name__}: deep" in said
    assert said.endswith("\ngaincell: this is a fault of gaincell; please report the lines above\n")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Novel("the first line\nthe second"), "the first line"),
        (SystemExit(3), "3"),
        (Novel(), "Novel"),
        (KeyError("config"), '"config" is missing'),
        (RecursionError("maximum recursion depth exceeded"), "it is nested too deeply"),
        (OSError(5, "Input/output error", "x"), "Input/output error"),
    ],
)
def test_no_kind_of_exception_of_others_passes_as_ours(error, reason):
    with pytest.raises(ValueError, match="x is no model") as refused, foreign("x is no model"):
        raise error
    assert str(refused.value) == f"x is no model: {reason}"


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), Ended(15), MemoryError(), Refused("a"), Failed("b"), Unable("c")]
)
def test_endings_pass_through_readers_of_what_others_made(error):
    with pytest.raises(type(error)) as passed, foreign("x is no model"):
        raise error
    assert passed.value is error


def test_a_new_kind_of_error_in_a_reader_is_a_sentence(tmp_path, monkeypatch, capsys):
    def load(*_, **__):
        raise Novel("the archive is upside down")

    source = tmp_path / "in.npz"
    np.savez(source, q=0)
    monkeypatch.setattr(np, "load", load)
    assert main(["cosim", "--config", "tiny", "--input", str(source)]) == 2
    said = capsys.readouterr().err
    assert said == f"gaincell: input {source} cannot be read: the archive is upside down\n"


def test_what_is_printed_after_a_refusal_is_not_lost():
    program = "from gaincell.cli import main; print(main(['config', 'none']))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "2\n"


def ended(shell, **options):
    """Status and stderr of ``gaincell config gpt2`` in a shell command."""
    command = shell.replace("CONFIG", f"{sys.executable} -m gaincell config gpt2")
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, **options)
    return done.returncode, done.stderr


def test_a_full_disk_behind_stdout_is_one_sentence():
    assert ended("CONFIG > /dev/full") == (3, "gaincell: No space left on device\n")


@pytest.mark.parametrize("shell", ["CONFIG >&-", "CONFIG 2>&-", "CONFIG <&- >&- 2>&-"])
def test_closed_streams_do_no_harm(shell):
    assert ended(shell) == (0, "")


def test_nobody_reads_what_goes_wrong():
    shell = "CONFIG --nothing 2>&1 | true; exit ${PIPESTATUS[0]}"
    assert ended(shell) == (2, "")


@pytest.mark.parametrize("shell", ["CONFIG | true", "(CONFIG --help) | true"])
def test_a_reader_that_leaves_early_changes_no_status(shell):
    assert ended(f"{shell}; exit ${{PIPESTATUS[0]}}") == (0, "")


def test_names_that_no_encoding_holds_are_printed(tmp_path):
    name = os.fsdecode(b"h\xe9ad.toml")
    (tmp_path / name).write_text('preset = "tiny"\nwindow = 3\n')
    command = [sys.executable, "-m", "gaincell", "config", str(tmp_path / name)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "h\\udce9ad.toml" in done.stderr
