"""Runs every command of docs/evidence/reproduction.toml that needs nothing but packages of pip.

The commands run one after another, each with a log in build/paper/. A command that fails does not
stop the others; the last line names it. Then the page is made again. ``make paper`` runs this file
in the folder of the project.
"""

import argparse
import shlex
import subprocess
import sys
import time
from pathlib import Path

from gaincell.ledger.entries import read_book

LOGS = Path("build/paper")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=Path, default=Path("docs/evidence/reproduction.toml"))
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/evidence/reproduction.md"))
    arguments = parser.parse_args()
    try:
        book = read_book(arguments.entries)
    except ValueError as error:
        parser.error(str(error))
    runs = {name: command.run for name, command in book.commands.items() if command.here}
    page = ["gaincell", "ledger", "--entries", str(arguments.entries), "-o", str(arguments.output)]
    failed = run_all(runs | {"ledger": shlex.join(page)}, LOGS)
    if failed:
        print(f"failed: {', '.join(failed)}; see the logs in {LOGS}/", file=sys.stderr)
    return int(bool(failed))


def run_all(runs: dict[str, str], logs: Path) -> list[str]:
    """Run the commands in order, each with a line and a log; return the names of failed ones."""
    logs.mkdir(parents=True, exist_ok=True)
    failed = []
    for number, (name, command) in enumerate(runs.items(), 1):
        print(f"[{number}/{len(runs)}] {command}", end=" ", flush=True)
        begun = time.perf_counter()
        with (logs / f"{name}.log").open("w", encoding="utf-8") as log:
            try:
                status = subprocess.run(words_of(command), stdout=log, stderr=log).returncode
            except OSError as error:
                status = 127
                log.write(f"{command} cannot be run: {error.strerror}\n")
        if status != 0:
            failed.append(name)
        outcome = "" if status == 0 else f", exit status {status}"
        print(f"... {time.perf_counter() - begun:.0f} s{outcome}", flush=True)
    return failed


def words_of(command: str) -> list[str]:
    """Words of a command line, in which ``gaincell`` becomes this Python's own."""
    first, *others = shlex.split(command)
    own = [sys.executable, "-m", "gaincell"]
    return [*(own if first == "gaincell" else [first]), *others]


if __name__ == "__main__":
    sys.exit(main())
