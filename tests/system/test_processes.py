"""Programs that a command starts end with it, say why they failed, and are not steered."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gaincell.refusals import Unable
from gaincell.system.environment import environment
from gaincell.system.processes import child, reason, run

COMMAND = """
import sys, tempfile
from pathlib import Path
from gaincell.commands import config
from gaincell.cli import main
from gaincell.system.processes import run

def work(arguments):
    with tempfile.TemporaryDirectory(dir=sys.argv[1]) as name:
        program = ["sh", "-c", "sleep 600 & echo $$ $! > numbers.tmp; mv numbers.tmp numbers; wait"]
        return run(program, Path(sys.argv[1]), Path(name, "log"))

config.run = work
sys.exit(main(["config", "tiny"]))
"""
"""A command that runs a program that runs a program."""


def runs(number: int) -> bool:
    """Whether a process runs; one that nobody has waited for has ended, too."""
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until(what) -> bool:
    end = time.monotonic() + 30
    while not what() and time.monotonic() < end:
        time.sleep(0.02)
    return bool(what())


@pytest.mark.parametrize(
    ("number", "status", "said"),
    [
        (signal.SIGTERM, 143, "gaincell: ended by SIGTERM\n"),
        (signal.SIGHUP, 129, "gaincell: ended by SIGHUP\n"),
        (signal.SIGINT, 130, "gaincell: interrupted\n"),
        (signal.SIGKILL, -9, ""),
    ],
)
def test_programs_end_with_their_command(tmp_path, number, status, said):
    # Under nohup, this process and all that it starts ignore SIGHUP.
    hearing = "import signal; [signal.signal(each, signal.SIG_DFL) for each in (1, 15)]"
    hearing += "; signal.signal(2, signal.default_int_handler)"
    command = [sys.executable, "-c", f"{hearing}{COMMAND}", str(tmp_path)]
    numbers = tmp_path / "numbers"
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as started:
        assert wait_until(numbers.exists)
        programs = [int(word) for word in numbers.read_text().split()]
        assert all(map(runs, programs))
        if number == signal.SIGKILL:
            time.sleep(1)  # what watches for it starts just after the program
        started.send_signal(number)
        _, error = started.communicate(timeout=30)
    assert (started.returncode, error) == (status, said)
    assert wait_until(lambda: not any(map(runs, programs)))
    if number != signal.SIGKILL:
        assert sorted(path.name for path in tmp_path.iterdir()) == ["numbers"]


def test_a_signal_while_a_program_is_started_ends_it_too(tmp_path):
    early = """
import os, signal, subprocess
class Popen(subprocess.Popen):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        os.kill(os.getpid(), signal.SIGTERM)
subprocess.Popen = Popen
"""
    command = [sys.executable, "-c", early + COMMAND, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stderr) == (143, "gaincell: ended by SIGTERM\n")
    time.sleep(1)  # a program left alone would come so far by now
    numbers = tmp_path / "numbers"
    programs = map(int, numbers.read_text().split()) if numbers.exists() else ()
    assert not any(map(runs, programs))


def test_an_ignored_signal_stays_ignored(tmp_path):
    ignoring = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN){COMMAND}"
    command = [sys.executable, "-c", ignoring, str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as started:
        assert wait_until((tmp_path / "numbers").exists)
        started.send_signal(signal.SIGHUP)
        time.sleep(0.2)
        assert started.poll() is None
        started.terminate()
    assert started.returncode == 143


def test_a_program_that_is_missing_is_named():
    with pytest.raises(Unable, match="no-such-program cannot be started: No such file"):
        child(["no-such-program"]).__enter__()


@pytest.mark.parametrize(
    ("log", "line"),
    [
        (
            "%Warning-WIDTH: a.v:1: error?\n%Error: head.v:3:7: syntax error\n"
            "%Error: Exiting due to 1 error(s)\n",
            "%Error: head.v:3:7: syntax error",
        ),
        (
            "g++ -Os -c a.cpp\nfatal error: error writing to a.s: No space left on device\n"
            "make: *** [Vtop.mk:87: a.o] Error 1",
            "fatal error: error writing to a.s: No space left on device",
        ),
        (
            'Traceback (most recent call last):\n  File "x.py"\nValueError: module failed to write',
            "ValueError: module failed to write",
        ),
        ("head.v:1: syntax error\nI give up.\n", "head.v:1: syntax error"),
        ("all is well\n", "all is well"),
        ("", "it ended with status 5 and said nothing"),
    ],
)
def test_the_reason_is_the_line_that_says_it(tmp_path, log, line):
    (tmp_path / "log").write_text(log)
    assert reason(tmp_path / "log", 5) == line


def test_a_program_that_a_signal_ended_says_which(tmp_path):
    status = run(["sh", "-c", "kill -SEGV $$"], tmp_path, tmp_path / "log")
    assert reason(tmp_path / "log", status) == "it was ended by SIGSEGV"


STEERS = {
    *("COCOTB_TEST_FILTER", "GPI_USERS", "WAVES", "PYTEST_CURRENT_TEST"),
    *("MAKEFLAGS", "MAKEFILES", "GNUMAKEFLAGS", "CXXFLAGS", "OPT_FAST", "USER_LDFLAGS"),
    *("VERILATOR_ROOT", "VM_TRACE", "IVERILOG_DUMPER", "PYTHONSTARTUP", "PYTHONWARNINGS"),
}
STAYS = {"HOME", "USER", "LANG", "LD_LIBRARY_PATH", "CC", "PYTHONHOME", "CCACHE_DIR"}


def test_what_steers_tools_is_not_passed_on(monkeypatch, tmp_path):
    for name in STEERS | STAYS:
        monkeypatch.setenv(name, "mine")
    monkeypatch.setattr(sys, "path", ["", str(tmp_path)])
    passed = environment(COCOTB_TEST_FILTER="ours")
    assert passed["COCOTB_TEST_FILTER"] == "ours"
    assert STEERS & set(passed) == {"COCOTB_TEST_FILTER"}
    assert {passed[name] for name in STAYS} == {"mine"}
    assert passed["PYTHONPATH"] == str(tmp_path)
    assert passed["PATH"] == os.environ["PATH"]
