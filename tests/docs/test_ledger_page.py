"""The reproduction ledger as a page, as a command, and as ``make paper`` runs it again."""

import importlib.util
import itertools
import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from gaincell import cli
from gaincell.ledger.entries import read_book
from gaincell.ledger.page import page
from gaincell.ledger.sources import default_rows, transistor_rows
from gaincell.ledger.verdict import read_ledger

ROOT = Path(__file__).parents[2]
ENTRIES = ROOT / "docs" / "evidence" / "reproduction.toml"


@pytest.fixture(scope="module")
def ledger():
    return read_ledger(ENTRIES)


@pytest.fixture(scope="module")
def rows(ledger):
    return {row.entry.id: row for row in ledger.rows}


def test_committed_page_is_what_the_entries_make(ledger):
    assert (ROOT / "docs" / "evidence" / "reproduction.md").read_text(encoding="utf-8") == page(
        ledger
    ), (
        "run gaincell ledger --entries docs/evidence/reproduction.toml"
        " -o docs/evidence/reproduction.md"
    )


def test_page_shows_every_entry_command_and_contradiction(ledger):
    text = page(ledger)
    assert [row for row in ledger.rows if f"| {row.entry.what} |" not in text] == []
    assert [each for each in ledger.contradictions if f"### {each.what}" not in text] == []
    assert [name for name in ledger.commands if f"| `{name}` |" not in text] == []


def test_topics_are_not_taken_up_again(ledger):
    topics = [row.entry.topic for row in ledger.rows]
    borders = sum(one != other for one, other in itertools.pairwise(topics))
    assert borders == len(set(topics)) - 1


def test_entries_name_commands_and_targets_that_exist():
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for command in read_book(ENTRIES).commands.values():
        first, second, *_ = shlex.split(command.run)
        if first == "gaincell":
            assert second in cli.COMMANDS, command.run
        elif first == "make":
            assert second in targets, command.run
        else:
            assert not command.here, f"make paper cannot tell what {command.run} is"


def test_the_papers_figures_are_those_of_the_estimate(rows):
    """Two files of the project state them: the ledger and synth/estimate/comparison.py."""
    units = {"um2": "µm²", "mm2": "mm²"}
    listed = dict(default_rows()) | transistor_rows()["freepdk45_long"]
    begins = ("estimate:", "transistors:")
    compared = [row for row in rows.values() if str(row.entry.ours).startswith(begins)]
    assert len(compared) == 9
    for row in compared:
        theirs = listed[row.entry.ours.rpartition(":")[2]]
        assert row.entry.paper == theirs.paper
        assert row.entry.unit == units.get(theirs.unit, theirs.unit)


def test_the_page_on_transistors_holds_the_same_rows():
    def shown(value):
        return f"{value:.0f}" if value >= 100 else f"{value:.3g}"

    page = (ROOT / "docs" / "do" / "characterise.md").read_text()
    for row in transistor_rows()["freepdk45_long"].values():
        low, high = shown(row.ours.low), shown(row.ours.high)
        ours = low if low == high else f"{low}..{high}"
        unit = row.unit.replace("um2", "µm²").replace("mm2", "mm²")
        assert f"| {row.name}, {unit} | {row.paper:g} | {ours} |" in page


def test_command_writes_page_and_data(tmp_path, capsys):
    output, data = tmp_path / "page.md", tmp_path / "data.json"
    arguments = ["--entries", str(ENTRIES), "-o", str(output), "--json", str(data)]
    assert cli.main(["ledger", *arguments]) == 0
    assert output.read_bytes() == (ROOT / "docs" / "evidence" / "reproduction.md").read_bytes()
    found = json.loads(data.read_text())
    latency = next(each for each in found["entries"] if each["id"] == "latency")
    assert latency["ours"] == pytest.approx([59])
    assert latency["verdict"] == "reproduced"
    assert latency["run"] == found["commands"]["cosim"]["run"]
    counted = [each["verdict"] for each in found["entries"]].count("not rerun")
    assert re.search(rf"not rerun +{counted}\n", capsys.readouterr().out)


@pytest.mark.parametrize("entries", ["none.toml", "bad.toml"])
def test_command_refuses_with_one_line_and_writes_nothing(tmp_path, capsys, entries):
    (tmp_path / "bad.toml").write_text("entry = 1\n")
    output = tmp_path / "page.md"
    assert cli.main(["ledger", "--entries", str(tmp_path / entries), "-o", str(output)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"gaincell: ledger {tmp_path / entries}")
    assert captured.err.count("\n") == 1
    assert not output.exists()


@pytest.fixture(scope="module")
def paper():
    path = ROOT / "benchmarks" / "paper.py"
    spec = importlib.util.spec_from_file_location("benchmarks_paper", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_make_paper_goes_on_after_a_failure_and_names_it(paper, tmp_path, capsys):
    python = shlex.quote(sys.executable)
    runs = {
        "wrong": f'{python} -c "print(1); raise SystemExit(3)"',
        "absent": "no-such-program",
        "right": "gaincell --version",
    }
    assert paper.run_all(runs, tmp_path) == ["wrong", "absent"]
    assert (tmp_path / "wrong.log").read_text() == "1\n"
    assert "No such file" in (tmp_path / "absent.log").read_text()
    assert (tmp_path / "right.log").read_text().startswith("gaincell ")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("[1/3] ")
    assert lines[0].endswith(", exit status 3")
    assert lines[2].startswith("[3/3] gaincell --version ... ")


def test_make_paper_runs_what_can_be_run_here():
    here = [each.run for each in read_book(ENTRIES).commands.values() if each.here]
    assert len(set(here)) == len(here)
    for command in ("config", "verilog", "cosim", "estimate", "synth"):
        assert any(run.startswith(f"gaincell {command} ") for run in here), command
    assert {"make retention", "make exact", "make demo-ml"} < set(here)
