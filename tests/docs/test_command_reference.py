"""The command reference: the committed page, and how it shows an option."""

import argparse
from pathlib import Path

import pytest

from gaincell.cli import COMMANDS, GROUPS
from gaincell.reference import main, page, section

PAGE = Path(__file__).parents[2] / "docs" / "do" / "commands.md"


def table_of(parser: argparse.ArgumentParser) -> list[list[str]]:
    """Cells of all rows of the options."""
    rows = section(parser, "It works.")[-1].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    return argparse.ArgumentParser(prog="gaincell made")


def test_committed_page_is_what_the_parsers_make(tmp_path: Path) -> None:
    assert main(["-o", str(tmp_path / "page.md")]) == 0
    assert PAGE.read_text(encoding="utf-8") == (tmp_path / "page.md").read_text(encoding="utf-8"), (
        "run python -m gaincell.reference -o docs/do/commands.md"
    )


def test_page_has_every_command_in_its_group() -> None:
    headings = [line for line in page().splitlines() if line.startswith("##")]
    expected = ["## Exit status"]
    for group, commands in GROUPS.items():
        expected.append(f"## {group.capitalize()}")
        expected += [f"### gaincell {name}" for name in commands]
    assert headings == expected
    assert len(expected) == 1 + len(GROUPS) + len(COMMANDS)


def test_usage_names_what_must_be_given(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("place")
    parser.add_argument("--config", required=True)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--text")
    source.add_argument("--hub")
    assert section(parser, "It works.")[:3] == [
        "### gaincell made",
        "It works.",
        "```\ngaincell made place --config CONFIG (--text | --hub) [options]\n```",
    ]


@pytest.mark.parametrize(
    ("keys", "cells"),
    [
        ({"type": int, "default": 3, "help": "of it; default 3"}, ["whole number", "3", "of it"]),
        ({"type": float, "default": 0.4, "help": "x; default 0.4"}, ["number", "0.4", "x"]),
        ({"default": "all", "help": "x; default: all. Not y"}, ["text", "all", "x. Not y"]),
        ({"type": Path, "help": "files *.v"}, ["path", "", r"files \*.v"]),
        ({"choices": ("a", "b"), "default": "a"}, ["`a`, `b`", "a", ""]),
        ({"action": "store_true", "help": "as --seed"}, ["", "", "as `--seed`"]),
        ({"nargs": "+", "type": Path, "help": "h"}, ["path, one or more", "", "h"]),
        ({"required": True, "help": "h"}, ["text", "required", "h"]),
    ],
)
def test_an_option_is_a_row(parser: argparse.ArgumentParser, keys, cells) -> None:
    parser.add_argument("-o", "--option", **keys)
    assert table_of(parser) == [["`-o`, `--option`", *cells]]


def test_a_group_stands_before_the_meaning(parser: argparse.ArgumentParser) -> None:
    parser.add_argument_group("with --fast").add_argument("--rounds", help="of it")
    assert table_of(parser) == [["`--rounds`", "text", "", "with `--fast`: of it"]]
