"""Processes of ``gaincell finetune`` without the seconds of their imports: forks of one process.

Run as a program, this file imports everything once and then, for each JSON line on its standard
input, forks a process that does what the line says. Each fork is a process of its own: it can be
killed, interrupted and limited.
"""

import gc
import json
import os
import resource
import signal
import sys
import tempfile
from pathlib import Path


class Forks:
    """Starts runs in the present folder; they end, at the latest, with their parent."""

    def __init__(self):
        from finetune_runs import spawn

        self.parent = spawn(__file__, stdin=-1)
        assert self.parent.stdout.readline() == "ready\n", self.parent.stderr.read()

    def close(self):
        self.parent.stdin.close()
        self.parent.wait()
        for pipe in (self.parent.stdout, self.parent.stderr):
            pipe.close()

    def start(self, dies=None, largest=None):
        """A run of run.toml.

        Parameters
        ----------
        dies : ("step", n) or ("write", n): kills itself in the nth step, or while it puts the nth
            file on the disk
        largest : bytes that a file may have
        """
        error = Path(tempfile.mkstemp(suffix=".txt")[1])
        asked = {"folder": os.getcwd(), "error": str(error), "dies": dies, "largest": largest}
        self._ask(asked)
        return Fork(self, int(self.parent.stdout.readline()), error)

    def _ask(self, line):
        self.parent.stdin.write(json.dumps(line) + "\n")
        self.parent.stdin.flush()


class Fork:
    """One such process; at most one at a time."""

    def __init__(self, forks, pid, error):
        self.forks, self.pid, self.error = forks, pid, error
        self.status = None

    def poll(self):
        """Exit status, negative for a signal; None while it runs."""
        if self.status is None:
            self.forks._ask("poll")
            self.status = json.loads(self.forks.parent.stdout.readline())
        return self.status

    def finish(self):
        """Exit status and standard error."""
        if self.status is None:
            self.forks._ask("wait")
            self.status = json.loads(self.forks.parent.stdout.readline())
        text = self.error.read_text()
        self.error.unlink()
        return self.status, text


def _serve():
    import transformers.models.gpt2.modeling_gpt2
    import transformers.trainer

    from gaincell.cli import main

    assert transformers.trainer
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
                status = main(["finetune", "run.toml"])
            finally:
                sys.stderr.flush()
                os._exit(status)
        print(pid, flush=True)


def _become(asked):
    """What a new process of the command would be: its folder, its standard files, its limits."""
    os.chdir(asked["folder"])
    for number, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, os.devnull, os.O_WRONLY),
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
