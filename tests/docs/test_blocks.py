"""Commands on the README, install and first-hour pages print what the pages show.

A block is fenced as ``console``: a line ``$ command``, perhaps with ``> `` lines that continue it,
then the command's standard output. In the output ``...`` stands for any text of its line, and a
line ``...`` for any lines. A comment ``<!-- story: name; marks -->`` begins a story: its blocks run
in one folder, in order. Marks are pytest's, ``within=0.1`` (relative) for decimal fractions that
differ from machine to machine, and tools that the story needs, by their name in ``conftest.TOOLS``.

    python tests/docs/test_blocks.py [STORY ...]

writes the present output into the pages; wildcards stay where they still fit.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/start/install.md", "docs/start/first_hour.md")
MARKS = ("cosim", "training", "slow")
NUMBER = r"\d+\.\d+"


@dataclass
class Command:
    """One command of a block, with the output below it; ``start`` is the output's first line."""

    text: str
    start: int
    output: list[str] = field(default_factory=list)


@dataclass
class Story:
    """Blocks that run in one folder, in order."""

    page: str
    name: str
    options: list[str]
    commands: list[Command] = field(default_factory=list)

    @property
    def within(self) -> float:
        """Relative tolerance of decimal fractions."""
        values = [option for option in self.options if option.startswith("within=")]
        return float(values[0].removeprefix("within=")) if values else 0.0

    @property
    def tools(self) -> list[str]:
        """Optional tools without which the story cannot run."""
        return [word for word in self.options if word not in MARKS and "=" not in word]


def stories(page: str) -> list[Story]:
    """The stories of a page; ValueError if a command stands outside of them."""
    told: list[Story] = []
    fence = None
    for number, line in enumerate((ROOT / page).read_text(encoding="utf-8").splitlines()):
        comment = re.fullmatch(r"<!-- story: ([\w-]+); *(.*) -->", line)
        if comment:
            told.append(Story(page, comment[1], comment[2].split()))
        elif line.startswith("```"):
            fence = line.removeprefix("```") if fence is None else None
        elif fence == "console" and told:
            _read(told[-1], line, number)
        elif line.startswith("$ "):
            raise ValueError(f"{page}:{number + 1}: a command outside a story's console block")
    return told


def _read(story: Story, line: str, number: int) -> None:
    if line.startswith("$ "):
        story.commands.append(Command(line[2:], number + 1))
    elif line == ">" or line.startswith("> "):
        story.commands[-1].text += "\n" + line[2:]
        story.commands[-1].start = number + 1
    else:
        story.commands[-1].output.append(line)


def fits(shown: Sequence[str], printed: Sequence[str], within: float = 0.0) -> bool:
    """Whether the lines that a page shows are those that a command printed."""
    if not shown:
        return not printed
    if shown[0] == "...":
        return any(fits(shown[1:], printed[at:], within) for at in range(len(printed) + 1))
    return (
        bool(printed)
        and line_fits(shown[0], printed[0], within)
        and fits(shown[1:], printed[1:], within)
    )


def line_fits(shown: str, printed: str, within: float = 0.0) -> bool:
    """Whether one line is as shown: ``...`` is any text, all else equal.

    With ``within``, decimal fractions may differ by it, and columns may be wider or narrower.
    """
    if not within:
        return re.fullmatch(_pattern(shown), printed) is not None
    shown, printed = " ".join(shown.split()), " ".join(printed.split())
    parts = re.split(NUMBER, shown)
    match = re.fullmatch(f"({NUMBER})".join(map(_pattern, parts)), printed)
    if match is None:
        return False
    pairs = zip(re.findall(NUMBER, shown), match.groups(), strict=True)
    return all(abs(float(ours) / float(theirs) - 1) <= within for theirs, ours in pairs)


def _pattern(text: str) -> str:
    return ".*".join(map(re.escape, text.split("...")))


def printed_by(story: Story, folder: Path) -> Iterator[tuple[Command, list[str]]]:
    """Run a story's commands in ``folder``; each with the lines of its standard output."""
    programs = folder / "bin"
    programs.mkdir()
    for name, arguments in {"gaincell": "-m gaincell ", "python": ""}.items():
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments}"$@"\n')
        program.chmod(0o755)
    (folder / "docs").symlink_to(ROOT / "docs")
    environment = {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "COLUMNS": "80",
        "OMP_NUM_THREADS": "1",  # small tensors: threads that wait for each other only cost time
    }
    for command in story.commands:
        done = subprocess.run(
            ["bash", "-euc", _without_make(command.text)],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{command.text}\n{done.stderr}"
        yield command, done.stdout.rstrip("\n").splitlines()


def _without_make(command: str) -> str:
    """A target of make as the command of its recipe, of the environment that runs the tests."""
    target = re.fullmatch(r"make ([\w-]+)", command)
    if not target:
        return command
    recipe = (ROOT / "Makefile").read_text().partition(f"\n{target[1]}:")[2].splitlines()[1]
    return recipe.strip().removeprefix("$(BIN)/")


def _cases() -> list[object]:
    cases = []
    for page in PAGES:
        for story in stories(page):
            marks = [getattr(pytest.mark, word) for word in story.options if word in MARKS]
            marks.append(pytest.mark.needs(*story.tools))
            if "cosim" in story.options:
                marks.append(pytest.mark.needs("verilator"))
            cases.append(pytest.param(story, id=f"{Path(page).stem}-{story.name}", marks=marks))
    return cases


@pytest.mark.parametrize("story", _cases())
def test_commands_print_what_the_page_shows(story, tmp_path):
    for command, lines in printed_by(story, tmp_path):
        update = f"python {Path(__file__).relative_to(ROOT)} {story.name}"
        assert fits(command.output, lines, story.within), (
            f"{story.page}: {command.text} prints\n" + "\n".join(lines) + f"\nRun {update}"
        )


def test_every_page_has_stories_with_output():
    for page in PAGES:
        for story in stories(page):
            assert any(command.output for command in story.commands), story.name
    assert {story.name for story in stories("README.md")} >= {
        "demo",
        "hardware",
        "models",
        "compare",
    }


def test_a_changed_number_does_not_fit():
    shown = ["  tokens  200", "  speed   ... tokens/s", "  latency 59..69 cycles"]
    printed = ["  tokens  200", "  speed   1135 tokens/s", "  latency 59..69 cycles"]
    assert fits(shown, printed)
    assert not fits(shown, ["  tokens  201", *printed[1:]])
    assert not fits(shown, [*printed[:2], "  latency 59..70 cycles"])
    assert not fits(shown, printed[:2])
    assert not fits(shown, [*printed, "more"])
    assert fits(["...", shown[2]], printed)
    assert not fits(["...", "  latency 58..69 cycles"], printed)


def test_a_tolerance_is_of_fractions_only():
    assert line_fits("perplexity  2.00 of 40", "perplexity 2.10 of 40", within=0.1)
    assert not line_fits("perplexity 2.00 of 40", "perplexity 2.30 of 40", within=0.1)
    assert not line_fits("perplexity 2.00 of 40", "perplexity 2.00 of 41", within=0.1)
    assert not line_fits("perplexity 2.00", "perplexity 2.01")


def update(names: Sequence[str]) -> None:
    """Write what the commands print into the pages."""
    for page in PAGES:
        lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
        moved = 0
        for story in stories(page):
            if names and story.name not in names:
                continue
            with tempfile.TemporaryDirectory() as folder:
                for command, printed in printed_by(story, Path(folder)):
                    if fits(command.output, printed, story.within):
                        continue
                    wild = [line for line in command.output if "..." in line.strip(".")]
                    new = [_kept(line, wild, story.within) for line in printed]
                    start = command.start + moved
                    lines[start : start + len(command.output)] = new
                    moved += len(new) - len(command.output)
                    print(f"{page}: {command.text}")
        (ROOT / page).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _kept(line: str, wild: Sequence[str], within: float) -> str:
    return next((shown for shown in wild if line_fits(shown, line, within)), line)


if __name__ == "__main__":
    update(sys.argv[1:])
