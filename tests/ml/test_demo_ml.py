"""gaincell demo-ml in small: the whole path, what it writes, and how it refuses."""

import json
import math
import random
import re
import sys
from dataclasses import replace

import pytest
import torch

from gaincell.cli import main
from gaincell.ml.demo.results import LABELS, perplexity_text
from gaincell.ml.demo.run import run_demo
from gaincell.ml.demo.settings import QUICK, DemoSettings
from gaincell.ml.demo.stock import random_model
from gaincell.ml.demo.text import reference_text, split, train_tokenizer
from gaincell.ml.evaluate.perplexity import perplexity
from gaincell.ml.finetune.run_file import load_run_file
from gaincell.ml.models.convert import convert
from gaincell.ml.models.load import load_model

pytestmark = pytest.mark.usefixtures("quiet_transformers")

SHORT = replace(
    QUICK,
    stock_steps=80,
    linear_steps=20,
    nonlinear_steps=6,
    evaluate_every=10,
    learning_rate=1e-2,
    fine_tuning_rate=1e-3,
    columns=32,
    cell=(2.0, 19.3, 0.0, 0.0),
)
"""With a cell that is far from the linear one, and one sub-tile."""


def chatter(stretches=600):
    """Text that is best guessed from what came before: each stretch has two words of its own."""
    drawn = random.Random(1)
    parts = (drawn.choices(drawn.sample("ABCDEFGH", 2), k=24) for _ in range(stretches))
    return "\n\n".join(" ".join(part) for part in parts)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Results, folder, and what was said."""
    folder, said = tmp_path_factory.mktemp("demo"), []
    return run_demo(chatter(), SHORT, folder, said.append), folder, said


@pytest.mark.training
def test_curves_begin_and_end_where_they_should(demo):
    results, _, said = demo
    assert list(results.curves) == list(LABELS)
    ends = {name: (each.steps[0], each.steps[-1]) for name, each in results.curves.items()}
    assert ends == {
        "stock": (0, 80),
        "softmax": (80, 106),
        "linear": (80, 100),
        "adapted": (100, 106),
        "unadapted": (100, 106),
        "ranges": (80, 106),
        "ours": (80, 106),
        "scratch": (0, 106),
    }
    assert results.curves["linear"].steps == (80, 90, 100)
    for curve in results.curves.values():
        assert len(curve.steps) == len(curve.nats)
    assert set(LABELS.values()) <= set(said)


@pytest.mark.training
def test_each_model_goes_on_from_the_one_before(demo):
    nats = {name: each.nats for name, each in demo[0].curves.items()}
    assert nats["softmax"][0] == nats["stock"][-1]
    for name in ("stock", "scratch"):
        assert nats[name][0] == pytest.approx(math.log(SHORT.vocabulary), abs=0.6), name
    for name in ("stock", "linear", "scratch"):
        assert math.log(2) < nats[name][-1] < nats[name][0], name


@pytest.mark.training
def test_adaptation_makes_the_jump_at_the_change_of_cell_smaller(demo):
    nats = {name: each.nats for name, each in demo[0].curves.items()}
    with_it, without = (
        abs(nats[each][0] - nats["linear"][-1]) for each in ("adapted", "unadapted")
    )
    assert with_it < without
    assert demo[0].adaptation.startswith("converged after")


@pytest.mark.training
def test_the_saved_models_have_the_losses_of_the_curves(demo):
    results, folder, _ = demo
    held_out = (folder / "held_out.txt").read_text()
    for name, kinds in (("linear", {"linear"}), ("adapted", {"hardware"}), ("ours", {"hardware"})):
        model, tokenizer = load_model(folder / "runs" / name / "model")
        ids = torch.tensor(tokenizer(held_out).input_ids)
        windows = ids[: SHORT.held_out * SHORT.window].view(SHORT.held_out, SHORT.window)
        score = perplexity(model, windows)
        assert score.nats / score.tokens == pytest.approx(results.curves[name].nats[-1], abs=1e-5)
        assert set(model.config.gaincell["kinds"]) == kinds
    linear, _ = load_model(folder / "runs" / "linear" / "model")
    score = perplexity(convert(linear, SHORT.head, "hardware").eval(), windows)
    assert score.nats / score.tokens == pytest.approx(results.curves["unadapted"].nats[0], abs=1e-5)


@pytest.mark.training
def test_models_that_are_compared_read_the_same_text(demo):
    _, folder, _ = demo
    files = {path.stem: load_run_file(path) for path in (folder / "runs").glob("*.toml")}
    assert set(files) == {"linear", "adapted", "unadapted", "ranges", "ours", "scratch"}
    seeds = {name: each.run.seed for name, each in files.items()}
    assert seeds["adapted"] == seeds["unadapted"] == 2
    assert seeds["linear"] == seeds["ranges"] == seeds["ours"] == 1
    assert seeds["scratch"] == 0
    rates = {name: dict(each.stages).popitem()[1].learning_rate for name, each in files.items()}
    assert rates.pop("scratch") == SHORT.learning_rate
    assert set(rates.values()) == {SHORT.fine_tuning_rate}


@pytest.mark.training
def test_results_follow_from_the_seed(tmp_path):
    few = replace(SHORT, stock_steps=3, linear_steps=2, nonlinear_steps=1)
    twice = []
    for name in "ab":
        (tmp_path / name).mkdir()
        twice.append(run_demo(chatter(300), few, tmp_path / name, lambda _: None))
    assert twice[0] == twice[1]
    one, other = (random_model(replace(few, seed=seed)).lm_head.weight for seed in (0, 1))
    assert not torch.equal(one, other)


@pytest.mark.training
def test_command_writes_results_table_and_picture(tmp_path, capsys, monkeypatch):
    folder = tmp_path / "demo"
    assert main(["demo-ml", "--quick", "--seed", "1", "-o", str(folder)]) == 0
    printed = capsys.readouterr().out
    found = json.loads((folder / "results.json").read_text())
    assert found["seed"] == 1
    assert found["config"]["demo"]["window"] == QUICK.window
    assert {"torch", "python", "gaincell"} <= set(found["versions"])
    assert found["tokens"]["train"] > 100_000
    for name, curve in found["held_out_nats_per_token"].items():
        cells = [perplexity_text(curve["nats"][each]) for each in (0, -1)]
        row = rf"{re.escape(LABELS[name])} +{cells[0]} +{cells[1]} +\d+ +{curve['steps'][-1]}"
        assert re.search(row, printed), name
    assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    (folder / "mine.txt").write_text("mine")
    (folder / "runs" / "old").mkdir()
    # The next demo takes this one out of the folder before it begins.
    full_disk(monkeypatch)
    assert main(["demo-ml", "--quick", "-o", str(folder)]) == 3
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]


def full_disk(monkeypatch):
    """Nothing can be written once the demo has begun."""

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gaincell.ml.demo.run.write_material", fail)


def refused(capsys, *options):
    assert main(["demo-ml", "--quick", *options]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


def test_a_folder_with_something_else_is_refused(tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("mine")
    told = refused(capsys, "-o", str(tmp_path))
    assert (
        told == f"gaincell: output {tmp_path} holds something else than a demo: name a new folder\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_output_that_cannot_be_made_is_refused(tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    told = refused(capsys, "-o", str(tmp_path / "file"))
    assert told == f"gaincell: output {tmp_path}/file is a file, but must be a folder\n"
    told = refused(capsys, "-o", str(tmp_path / "file" / "in"))
    assert told == f"gaincell: output {tmp_path}/file/in cannot be written: Not a directory\n"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_is_a_sentence(tmp_path, capsys, monkeypatch):
    full_disk(monkeypatch)
    assert main(["demo-ml", "--quick", "-o", str(tmp_path / "new")]) == 3
    told = capsys.readouterr().err
    assert told.startswith(f"gaincell: the demo cannot be written to {tmp_path}/new: No space")
    assert told.count("\n") == 1


def test_a_negative_seed_is_refused(tmp_path, capsys):
    told = refused(capsys, "--seed", "-1", "-o", str(tmp_path / "new"))
    assert told == "gaincell: --seed is -1, but must be at least 0\n"
    assert not (tmp_path / "new").exists()


def test_a_python_without_the_text_is_refused(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    told = refused(capsys, "-o", str(tmp_path / "new"))
    assert told.startswith("gaincell: the demo's text is pydoc_data.topics of Python's standard")
    assert not (tmp_path / "new").exists()


def test_no_paragraph_is_both_learnt_and_scored():
    train, held_out = split(reference_text())
    learnt, scored = (set(part.strip("\n").split("\n\n")) for part in (train, held_out))
    assert len(scored) > 100
    assert not learnt & scored
    assert 0.08 < len(held_out) / (len(train) + len(held_out)) < 0.11


def test_tokens_spell_the_text_and_follow_from_it():
    text = reference_text()[:20_000]
    tokenizer = train_tokenizer(text, 300)
    ids = tokenizer(text + " é ☃").input_ids
    assert tokenizer.decode(ids) == text + " é ☃"
    assert max(ids) < 300
    assert len(tokenizer.get_vocab()) == 300
    assert train_tokenizer(text, 300).get_vocab() == tokenizer.get_vocab()


def test_a_text_too_short_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"the demo asks for 8 windows of 32 tokens, but \d+ tok"):
        run_demo("a b\n\n" * 30 + "c", QUICK, tmp_path, lambda _: None)


def test_perplexity_is_written_also_when_it_is_none():
    assert perplexity_text(math.log(21.04)) == "21.0"
    assert perplexity_text(None) == perplexity_text(1e4) == "infinite"


def test_the_head_is_the_papers_but_for_its_size():
    assert DemoSettings().head.fields_set() == {"head_dim": 32, "window": 128, "columns": 16}
