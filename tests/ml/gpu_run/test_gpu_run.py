"""The run on a GPU at toy size on a CPU: prepared, unpacked, run, cut off and resumed."""

import json
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from gpu_material import forked_gpu_run, gpu_run

from gaincell.gpu_run.parts import PARTS, left
from gaincell.gpu_run.pieces import gather
from gaincell.gpu_run.places import Places
from gaincell.gpu_run.plan import TRAININGS
from gaincell.gpu_run.prepare import prepare
from gaincell.gpu_run.records import FILE, read_records, write_records
from gaincell.gpu_run.table import table
from gaincell.ml.finetune.data.sources import vocabulary_of
from gaincell.ml.finetune.data.token_file import read_tokens, write_tokens
from gaincell.ml.models.load import load_tokenizer

pytestmark = [pytest.mark.training, pytest.mark.slow]


@pytest.fixture(scope="module")
def ran(pieces, forks, tmp_path_factory):
    """A folder in which every part ran; not to be changed.

    The first part ran in a call of its own, as the script starts it.
    """
    folder = tmp_path_factory.mktemp("ran")
    assert gpu_run("unpack", pieces, cwd=folder).returncode == 0
    words = "run", "--out", "out", "--limit-s", 3600
    for ended in (
        gpu_run(*words, "--only", PARTS[0].name, cwd=folder),
        forked_gpu_run(forks, *words, cwd=folder),
    ):
        assert ended.returncode == 0, ended.stdout + (folder / "out" / "log.txt").read_text()
    return folder


@pytest.fixture
def copied(ran, tmp_path):
    """A copy of it whose distillation has not begun, and will take 60 steps."""
    shutil.copytree(ran, tmp_path, dirs_exist_ok=True)
    work = tmp_path / "build" / "gpu"
    shutil.rmtree(work / "distilled")
    (work / "distilled.toml").unlink()
    plan = work / "prepared" / "plan.toml"
    plan.write_text(plan.read_text().replace("tokens = 1024", f"tokens = {60 * 4 * 32}"))
    return tmp_path


def test_every_part_leaves_a_valid_record(ran):
    records = read_records(ran / "out" / FILE)
    assert list(records) == [part.name for part in PARTS]
    for record in records.values():
        assert (record.state, record.error) == ("done", None)
        assert record.seconds > 0
        assert {"torch", "python", "gaincell"} <= set(record.versions)
        assert record.figures
        json.dumps(dict(record.figures), allow_nan=False)
    tests = records["tests"].figures
    assert tests["tests"] >= 3
    assert tests["failures"] == tests["errors"] == 0
    assert {row["operation"] for row in records["attention"].figures["rows"]} >= {"ours", "SDPA"}
    assert records["bench"].figures["rows"]


def test_a_training_makes_the_steps_that_its_seconds_allow(ran, tmp_path):
    from gaincell.gpu_run.work.training import _steps

    (tmp_path / "prepared").mkdir()
    text = (ran / "build" / "gpu" / "prepared" / "plan.toml").read_text()
    text = text.replace("tokens = 1024", "tokens = 100000").replace("seconds = 1e4", "seconds = 5")
    (tmp_path / "prepared" / "plan.toml").write_text(text)
    assert [_steps(Places(tmp_path), rate) for rate in (1, 256, 1e6)] == [2, 10, 781]
    assert _steps(Places(tmp_path, left_s=4.0), 256) == 10
    text = text.replace("[training]", "[training]\nreserve_s = 1.5")
    (tmp_path / "prepared" / "plan.toml").write_text(text)
    found = [_steps(Places(tmp_path, left_s=left), 256) for left in (None, 100.0, 4.0, 1.0)]
    assert found == [10, 10, 5, 2]


def test_the_three_trainings_see_the_same_tokens_if_time_suffices(ran):
    records = read_records(ran / "out" / FILE)
    speed = records["speed"].figures
    assert set(speed["tokens_per_s"]) == {"distilled", "stock", "paper"}
    found = [records[name].figures for name in speed["tokens_per_s"]]
    assert {(each["tokens"], each["steps"]) for each in found} == {(1024, 8)}
    assert found[2]["run"]["linear"]["steps"] == 2
    assert found[0]["run"]["linear"] is None
    assert {each["run"]["teacher"]["name"] for each in found} == {"stock-model"}


def test_scores_cover_every_text_at_three_lengths(ran):
    records = read_records(ran / "out" / FILE)
    for name in ("start", "distilled", "difference", "stock", "paper"):
        scores = records[name].figures["scores"]
        assert set(scores) == {"prose", "code"}
        for text in scores.values():
            assert {length: len(nats) for length, nats in text.items()} == {
                "16": 3,
                "32": 3,
                "64": 3,
            }


def test_the_difference_is_small_and_gives_the_model_back(ran):
    figures = read_records(ran / "out" / FILE)
    kept = ran / "out" / "difference.safetensors"
    assert kept.stat().st_size == figures["difference"].figures["bytes"] <= 0.4e6
    for text, by_length in figures["distilled"].figures["scores"].items():
        for length, nats in by_length.items():
            back = figures["difference"].figures["scores"][text][length]
            assert back == pytest.approx(nats, abs=0.02)


def test_the_table_has_no_gap_after_a_whole_run(ran):
    text = table(read_records(ran / "out" / FILE))
    assert "not run" not in text
    assert "failed" not in text
    assert "| stage 2 | 0.00102 M |" in text


def test_what_is_recorded_is_not_run_again(ran):
    before = (ran / "out" / FILE).read_bytes()
    ended = gpu_run("run", "--out", "out", cwd=ran)
    assert (ended.returncode, ended.stdout) == (0, "")
    assert (ran / "out" / FILE).read_bytes() == before
    status = gpu_run("status", cwd=ran).stdout.splitlines()
    assert len(status) == len(PARTS)
    assert all("done" in line for line in status)


def test_a_training_that_is_cut_off_goes_on_from_its_checkpoint(copied, forks):
    work = copied / "build" / "gpu"
    words = [sys.executable, "-m", "gaincell.gpu_run", "part", "distilled"]
    with subprocess.Popen(words, cwd=copied, stderr=subprocess.DEVNULL) as child:
        while child.poll() is None and not any((work / "distilled").glob("checkpoints/non*")):
            time.sleep(0.02)
        child.send_signal(signal.SIGTERM)
        assert child.wait(60) == 130
    (checkpoint,) = (work / "distilled" / "checkpoints").glob("nonlinear-*")
    made = int(checkpoint.name.rpartition("-")[2])
    assert 0 < made < 60
    assert not (work / "distilled" / "model").exists()
    assert forked_gpu_run(forks, *words[3:], cwd=copied).returncode == 0
    figures = Places(work).figures("distilled")
    assert (figures["steps"], figures["steps_of_last_call"]) == (60, 60 - made)


def test_a_lost_machine_repeats_only_what_a_missing_part_needs(ran, tmp_path):
    done = {part.name for part in PARTS}
    assert left(done, tmp_path, TRAININGS) == []
    names = [part.name for part in left(done - {"difference"}, tmp_path, TRAININGS)]
    assert names == ["start", "speed", "distilled", "difference"]
    work = ran / "build" / "gpu"
    assert [part.name for part in left(done - {"paper"}, work, TRAININGS)] == ["paper"]


def test_a_later_machine_takes_up_the_start(ran, pieces, forks, tmp_path):
    out = tmp_path / "kept"
    out.mkdir()
    records = read_records(ran / "out" / FILE)
    write_records(out / FILE, {name: records[name] for name in ("tests", "start", "speed")})
    assert forked_gpu_run(forks, "unpack", pieces, cwd=tmp_path).returncode == 0
    refused = forked_gpu_run(forks, "adopt", "kept", cwd=tmp_path)
    assert (refused.returncode, "kept holds no start" in refused.stderr) == (2, True)
    shutil.copy(ran / "out" / "start.safetensors", out)
    assert forked_gpu_run(forks, "adopt", "kept", cwd=tmp_path).returncode == 0
    work = tmp_path / "build" / "gpu"
    assert [part.name for part in left(set(read_records(work / FILE)), work, ("distilled",))] == [
        "bench",
        "attention",
        "step",
        "distilled",
        "difference",
    ]
    for name in ("bench", "attention", "step"):
        write_records(work / FILE, read_records(work / FILE) | {name: records[name]})
    ended = forked_gpu_run(forks, "run", "--out", "out", "--limit-s", 3600, cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout + (tmp_path / "out" / "log.txt").read_text()
    found = read_records(tmp_path / "out" / FILE)
    assert found["start"] == records["start"]
    assert found["distilled"].figures["first_loss"] == pytest.approx(
        records["distilled"].figures["first_loss"], rel=1e-3
    )


def test_a_ready_token_file_is_what_is_learned(material, tmp_path):
    tokenizer = load_tokenizer(material / "stock")
    tokens = np.arange(40)
    write_tokens(tmp_path / "ready.bin", [tokens], vocabulary_of(tokenizer), "stock")
    prepare(
        tmp_path / "pieces",
        model=str(material / "stock"),
        learned=tmp_path / "ready.bin",
        scored={"prose": material / "prose.txt"},
        plan=material / "plan.toml",
    )
    places = Places(tmp_path / "work")
    assert gather([tmp_path / "pieces"], places.work / "pieces", places.prepared) == []
    assert read_tokens(places.learned)[0].tolist() == tokens.tolist()
    assert places.about["texts"]["learned.bin"] == {"files": ["ready.bin"], "tokens": 40}
