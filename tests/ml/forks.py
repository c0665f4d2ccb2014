"""Processes of our programs without the seconds of their imports: forks of one process.

Run as a program, this file imports everything once and then, for each JSON line on its standard
input, forks a process that does what the line says. Each fork is a process of its own: it can be
killed, interrupted and limited.
"""

import gc
import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace


class Forks:
    """Starts programs in the present folder; they end, at the latest, with their parent."""

    def __init__(self):
        self.parent = subprocess.Popen(
            [sys.executable, __file__],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.parent.stdout.readline() == "ready\n", self.parent.stderr.read()

    def close(self):
        self.parent.stdin.close()
        self.parent.wait()
        for pipe in (self.parent.stdout, self.parent.stderr):
            pipe.close()

    def start(self, program, *words, dies=None, largest=None):
        """A process of ``gaincell`` or ``gpu_run``.

        Parameters
        ----------
        program : a name in ``_programs``
        words : of its command line
        dies : ("step", n) or ("write", n): kills itself in the nth step of a training, or while it
            puts the nth file on the disk
        largest : bytes that a file may have
        """
        output, error = (Path(tempfile.mkstemp(suffix=".txt")[1]) for _ in range(2))
        self._ask(
            {
                "program": program,
                "words": list(map(str, words)),
                "folder": os.getcwd(),
                "output": str(output),
                "error": str(error),
                "dies": dies,
                "largest": largest,
            }
        )
        return Fork(self, int(self.parent.stdout.readline()), output, error)

    def _ask(self, line):
        self.parent.stdin.write(json.dumps(line) + "\n")
        self.parent.stdin.flush()


class Fork:
    """One such process; at most one at a time."""

    def __init__(self, forks, pid, output, error):
        self.forks, self.pid, self.output, self.error = forks, pid, output, error
        self.status = None

    def poll(self):
        """Exit status, negative for a signal; None while it runs."""
        if self.status is None:
            self.forks._ask("poll")
            self.status = json.loads(self.forks.parent.stdout.readline())
        return self.status

    def finish(self):
        """Exit status, standard output and standard error."""
        if self.status is None:
            self.forks._ask("wait")
            self.status = json.loads(self.forks.parent.stdout.readline())
        texts = [file.read_text() for file in (self.output, self.error)]
        for file in (self.output, self.error):
            file.unlink()
        return self.status, *texts


def _serve():
    programs = _programs()
    # Forks then neither scan these objects nor copy their pages.
    gc.freeze()
    print("ready", flush=True)
    pid = 0
    for line in sys.stdin:
        asked = json.loads(line)
        if isinstance(asked, str):
            there, status = os.waitpid(pid, os.WNOHANG if asked == "poll" else 0)
            print(json.dumps(os.waitstatus_to_exitcode(status) if there else None), flush=True)
            continue
        pid = os.fork()
        if not pid:
            _become(asked)
            status = 1
            try:
                status = programs[asked["program"]](asked["words"])
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        print(pid, flush=True)


def _programs():
    """The main functions of our programs by name, with all that they import."""
    import transformers.models.gpt2.modeling_gpt2
    import transformers.models.llama.modeling_llama
    import transformers.trainer

    import gaincell.cli
    import gaincell.gpu_run.__main__
    import gaincell.gpu_run.runner

    assert transformers.trainer
    gaincell.gpu_run.runner.subprocess = SimpleNamespace(
        Popen=_Part, STDOUT=subprocess.STDOUT, TimeoutExpired=subprocess.TimeoutExpired
    )
    return {"gaincell": gaincell.cli.main, "gpu_run": gaincell.gpu_run.__main__.main}


class _Part:
    """A part of ``gpu_run run`` as a fork of it, for the ``subprocess.Popen`` of the part."""

    def __init__(self, words, *, stdout, stderr, start_new_session):
        assert words[:3] == [sys.executable, "-m", "gaincell.gpu_run"]
        assert stderr == subprocess.STDOUT
        assert start_new_session

        def run():
            from gaincell.gpu_run.__main__ import main

            os.setsid()
            for number in (1, 2):
                os.dup2(stdout.fileno(), number)
            sys.exit(main(words[3:]))

        self._process = multiprocessing.get_context("fork").Process(target=run)
        self._process.start()
        self.pid = self._process.pid

    def wait(self, timeout=None):
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("a part", timeout)
        return self.returncode

    @property
    def returncode(self):
        return self._process.exitcode


def _become(asked):
    """What a new process of the program would be: its folder, its standard files, its limits."""
    os.chdir(asked["folder"])
    for number, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, asked["output"], os.O_WRONLY | os.O_TRUNC),
        (2, asked["error"], os.O_WRONLY | os.O_TRUNC),
    ):
        file = os.open(path, flags)
        os.dup2(file, number)
        os.close(file)
    if asked["largest"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (asked["largest"], asked["largest"]))
    if asked["dies"] is not None:
        _die_in(*asked["dies"])


def _die_in(what, number):
    import gaincell.files
    from gaincell.ml.finetune.trainer import StageTrainer

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


if __name__ == "__main__":
    _serve()
