"""Pieces, plans, records, time limits and the table of the run on a GPU, without any part of it."""

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from time import monotonic

import pytest

from gaincell.gpu_run.__main__ import main
from gaincell.gpu_run.parts import PARTS, left
from gaincell.gpu_run.pieces import LIST, cut, gather
from gaincell.gpu_run.places import Places
from gaincell.gpu_run.plan import TRAININGS, Plan, load_plan
from gaincell.gpu_run.records import FILE, Record, read_all, read_records, write_records
from gaincell.gpu_run.runner import STOPPED, Run
from gaincell.gpu_run.table import table

DOCS = Path(__file__).parents[3] / "docs"
RECORD = Record(
    state="done",
    device="a GPU",
    versions={"torch": "2.13.0"},
    revision="0123456789abcdef",
    command="benchmarks/gpu_run.sh part tests",
    seconds=12.3,
    finished="2026-01-02T03:04:05+00:00",
    figures={"tests": 3},
)
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True)"
GENTLE = (
    "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(130)); print(1, flush=True)"
)


@pytest.fixture
def folder(tmp_path):
    """A folder of three files, one of them in a folder of its own."""
    inside = tmp_path / "inside"
    (inside / "deep").mkdir(parents=True)
    for number, name in enumerate(("a", "b", "deep/c")):
        (inside / name).write_bytes(bytes([number]) * 1000 + bytes(range(256)))
    return inside


def test_pieces_are_small_and_make_the_folder_again(folder, tmp_path):
    pieces = cut(folder, tmp_path / "pieces", 100)
    assert len(pieces) > 2
    assert all(piece.stat().st_size <= 100 for piece in pieces)
    assert gather([tmp_path / "pieces"], tmp_path / "store", tmp_path / "back") == []
    for name in ("a", "b", "deep/c"):
        assert (tmp_path / "back" / name).read_bytes() == (folder / name).read_bytes()


def test_pieces_may_come_in_several_calls(folder, tmp_path):
    pieces = cut(folder, tmp_path / "pieces", 100)
    for number, piece in enumerate(pieces):
        part = tmp_path / f"part-{number}"
        part.mkdir()
        (part / LIST).write_bytes((tmp_path / "pieces" / LIST).read_bytes())
        piece.rename(part / piece.name)
        missing = gather([part], tmp_path / "store", tmp_path / "back")
        assert missing == [each.name for each in pieces[number + 1 :]]
        assert (tmp_path / "back").is_dir() == (not missing)


def test_a_damaged_piece_and_pieces_of_two_folders_are_refused(folder, tmp_path):
    first, *_ = cut(folder, tmp_path / "pieces", 100)
    first.write_bytes(b"x" + first.read_bytes()[1:])
    with pytest.raises(ValueError, match="piece-000 is damaged: copy it again"):
        gather([tmp_path / "pieces"], tmp_path / "store", tmp_path / "back")
    (folder / "a").write_bytes(b"another")
    cut(folder, tmp_path / "others", 100)
    with pytest.raises(ValueError, match="holds pieces of another folder"):
        gather([tmp_path / "others"], tmp_path / "store", tmp_path / "back")
    with pytest.raises(ValueError, match="exists already"):
        cut(folder, tmp_path / "others")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("windw = 3", 'unknown key "windw" (nearest known: "window")'),
        ('window = "3"', "window is '3', but must be int"),
        ("[start]\nwindows = 1", "[start] windows is 1, but must be at least 2"),
        ("[training]\nbatch = 3", "step_windows is 16, but must be a multiple of batch"),
        ('[training]\nwhich = ["stok"]', "which is ('stok',), but must be a list of some of"),
        ('[training]\nwhich = "paper"', 'which is "paper", but must be a list of some of'),
        ('[training]\nwhich = ["stock"]', "which names stock, but at teacher weight 1 the stock"),
    ],
)
def test_a_wrong_plan_is_one_sentence(tmp_path, text, message):
    (tmp_path / "plan.toml").write_text(text)
    with pytest.raises((TypeError, ValueError)) as error:
        load_plan(tmp_path / "plan.toml")
    assert message in str(error.value)


def test_an_empty_plan_is_the_default_one(tmp_path):
    (tmp_path / "plan.toml").write_text("")
    assert load_plan(tmp_path / "plan.toml") == Plan()


def test_records_come_back_and_the_last_one_counts(tmp_path):
    later = replace(RECORD, finished="2026-01-03T00:00:00+00:00", seconds=1.0)
    write_records(tmp_path / "a", {"tests": RECORD, "bench": RECORD})
    write_records(tmp_path / "b", {"tests": later})
    assert read_records(tmp_path / "a") == {"tests": RECORD, "bench": RECORD}
    for order in ("ab", "ba"):
        found = read_all([tmp_path / name for name in order])
        assert found == {"tests": later, "bench": RECORD}
    assert read_records(tmp_path / "none") == {}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"state": "fine"}, 'state is "fine"'),
        ({"seconds": -1}, "seconds is -1, but must be at least 0"),
        ({"figures": 3}, "figures is 3, but must be a JSON object"),
        ({"state": "failed"}, "error is None"),
        ({"figure": {}}, 'unknown key "figure"'),
    ],
)
def test_a_wrong_record_is_refused(tmp_path, changes, message):
    (tmp_path / "r").write_text(json.dumps({"tests": asdict(RECORD) | changes}))
    with pytest.raises((TypeError, ValueError)) as error:
        read_records(tmp_path / "r")
    assert message in str(error.value)


def call(tmp_path, **options):
    prepared = tmp_path / "prepared"
    prepared.mkdir(exist_ok=True)
    (prepared / "plan.toml").write_text("")
    return Run(Places(tmp_path), tmp_path / "out", tmp_path / "none", **options)


def test_no_part_begins_in_too_little_time(tmp_path, capsys):
    assert call(tmp_path, limit_s=60.0, grace_s=30.0).all_parts() == STOPPED
    assert "tests: 30 s are left, too few to begin" in capsys.readouterr().out
    assert read_records(tmp_path / "out" / FILE) == {}


@pytest.mark.parametrize(
    ("program", "status"), [(GENTLE, 130), (STUBBORN, -9)], ids=["gentle", "stubborn"]
)
def test_a_part_is_told_to_stop_and_then_ended_within_the_limit(tmp_path, program, status):
    words = [sys.executable, "-c", f"{program}; time.sleep(600)"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, start_new_session=True) as child:
        assert child.stdout.readline()
        run, begun = call(tmp_path, limit_s=2.0, grace_s=1.5), monotonic()
        assert run._wait(child)
        assert child.returncode == status
        assert monotonic() - begun < 10


def test_a_part_that_ends_in_time_is_not_stopped(tmp_path):
    with subprocess.Popen([sys.executable, "-c", ""], start_new_session=True) as child:
        assert not call(tmp_path, limit_s=600.0)._wait(child)


def test_a_failed_part_is_recorded_and_leaves_out_those_that_need_it(tmp_path, monkeypatch, capsys):
    failed = replace(RECORD, state="failed", error="no luck", figures={})

    def run(_, part):
        if part.name == "start":
            return failed
        (tmp_path / f"{part.name}.json").write_text("{}")
        return RECORD

    monkeypatch.setattr(Run, "_run", run)
    assert call(tmp_path, limit_s=1e6).all_parts() == 1
    records = read_records(tmp_path / "out" / FILE)
    assert list(records) == ["tests", "bench", "attention", "step", "start"]
    assert "speed: left out, as start failed" in capsys.readouterr().out
    assert call(tmp_path, limit_s=1e6, again=("start",)).all_parts() == 1
    assert capsys.readouterr().out.count("start: stage 1") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "--work", "none"], "none holds nothing that was prepared"),
        (["prepare", "--text", "t", "--scored", "s", "-o", "o"], "--scored is s, but must be NAME"),
        (["prepare", "--text", "t", "--scored", "A=s", "-o", "o"], 'text name "A" must be of a-z'),
        (["prepare", "--tokens", "t", "--scored", "a=s", "-o", "o"], "token file t cannot be read"),
        (["unpack", "none"], "list of pieces none/pieces.json cannot be read"),
    ],
)
def test_wrong_input_is_one_sentence(material, tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    model = ["--model", str(material / "stock")] if words[0] == "prepare" else []
    assert main([*words, *model]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert message in said


def test_without_records_the_table_says_not_run():
    lines = [line for line in table({}).splitlines() if line.startswith("|")]
    assert len(lines) == len(PARTS) + 5 + 4
    assert sum("| not run |" in line for line in lines) == len(PARTS) + 5


def test_a_training_without_effect_is_said_to_be_the_stock_model():
    weights = {"run": {"teacher": {"weight": 1.0}}, "scores": {}}
    assert "gradient is zero" in table({"distilled": replace(RECORD, figures=weights)})
    weights["run"]["teacher"]["weight"] = 0.9
    assert "gradient is zero" not in table({"distilled": replace(RECORD, figures=weights)})


def test_trainings_that_the_plan_leaves_out_are_no_parts(tmp_path):
    everything = [part.name for part in PARTS]
    assert [part.name for part in left(set(), tmp_path, TRAININGS)] == everything
    asked = [part.name for part in left({"start"}, tmp_path, TRAININGS, ["tests", "difference"])]
    assert asked == ["tests", "start", "speed", "distilled", "difference"]
    few = [part.name for part in left(set(), tmp_path, ("paper",))]
    assert few == [name for name in everything if name not in ("distilled", "difference", "stock")]
    done = set(everything) - {"paper"}
    # The start and what comes of it are nothing to the paper's recipe.
    assert [part.name for part in left(done, tmp_path, ("paper",))] == ["speed", "paper"]


def test_the_table_shows_the_worst_text_of_each_length():
    stock = {"prose": {"8": [1.0, 2.0]}, "code": {"8": [1.0, 2.0]}}
    found = {"prose": {"8": [1.1, 2.1]}, "code": {"8": [1.3, 2.3]}}
    records = {
        "start": replace(RECORD, figures={"stock": stock, "scores": found, "aligned_tokens": 2e7}),
        "tests": replace(RECORD, state="failed", error="x"),
    }
    text = table(records)
    assert "| stage 1, no training of the model | 20 M |  | 1.350 ± 0.000 (code) |" in text
    assert "| tests | pytest -m gpu | a GPU: failed | 2.13.0 | 012345678 | 12 |" in text
    assert "| stage 2 | not run |" in text


def test_a_training_without_the_stock_models_scores_is_not_said_to_be_missing():
    figures = {"tokens": 2e6, "tokens_per_s": 3000.0, "scores": {"prose": {"32": [1.0, 2.0]}}}
    paper = Record(
        **{"state": "done", "device": "cpu", "versions": {}, "revision": "1", "command": "part"},
        **{"seconds": 1.0, "finished": "2026-01-01T00:00:00+00:00", "figures": figures},
    )
    row = next(line for line in table({"paper": paper}).splitlines() if "2 M" in line)
    assert row == (
        "| the paper's recipe | 2 M | 3,000 | start did not score the stock model |  |  |"
    )


def test_the_page_has_the_committed_records():
    page = DOCS / "evidence" / "tables" / "gpu.md"
    records = read_records(DOCS / "evidence" / "gpu" / FILE)
    assert set(records) <= {part.name for part in PARTS}
    assert page.read_text(encoding="utf-8") == table(records)
