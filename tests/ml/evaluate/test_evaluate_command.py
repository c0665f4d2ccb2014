"""gaincell evaluate with a small model on disk: the table, the JSON, and what it refuses."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_models import HEAD, MODELS, VOCABULARY
from tiny_tasks import EXAMPLES, tokenizer, write_tasks

import gaincell
from gaincell.cli import main
from gaincell.commands.options.faults import faults_of
from gaincell.config_file import config_to_toml
from gaincell.ml.evaluate.attentions import ATTENTIONS, DEFAULT
from gaincell.ml.evaluate.task_names import TASKS
from gaincell.ml.models.convert import convert
from gaincell.ml.models.load import load_model
from gaincell.ml.start.ranges import fit_ranges

pytestmark = pytest.mark.usefixtures("quiet_transformers")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Models stock/ and hw/, two texts, and the tasks piqa and wikitext."""
    folder = tmp_path_factory.mktemp("evaluate")
    words = tokenizer(eos_token="w49")
    drawn = torch.from_numpy(np.random.default_rng(1).integers(VOCABULARY, size=200))
    text = " ".join(f"w{number}" for number in drawn)
    (folder / "one.txt").write_text(text)
    (folder / "two.txt").write_text(text[::-1].replace(" w", " ")[: len(text) // 2])
    (folder / "head.toml").write_text(config_to_toml(HEAD))
    write_tasks(folder / "tasks", ("piqa", "wikitext"))
    model = MODELS["llama"]().float()
    model.save_pretrained(folder / "stock")
    convert(model, replace(HEAD, columns=16), layers=[0, 2])  # two sub-tiles instead of five
    fit_ranges(model, drawn.view(5, 40))
    with torch.no_grad():
        model.model.layers[0].mlp.down_proj.weight += 0.1  # as training would
    model.save_pretrained(folder / "hw")
    for name in ("stock", "hw"):
        words.save_pretrained(folder / name)
    return folder


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    """Of converted data files."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")


def evaluated(folder, *more, model="hw"):
    return main(["evaluate", "--model", f"{folder}/{model}", *map(str, more)])


def saved(folder, tmp_path, *more, model="hw"):
    assert evaluated(folder, *more, "-o", tmp_path / "result.json", model=model) == 0
    return json.loads((tmp_path / "result.json").read_text())


def perplexities(found):
    return {
        row["attention"] + ("+" if row["faults"] else ""): row["texts"]["one.txt"]["perplexity"]
        for row in found["rows"]
    }


def scored(folder, capsys, *more, model="hw"):
    """What gaincell perplexity finds."""
    arguments = ["--model", f"{folder}/{model}", "--text", f"{folder}/one.txt", "--window", "40"]
    capsys.readouterr()
    assert main(["perplexity", *arguments, *more]) == 0
    return float(re.search(r"perplexity +([\d.]+)", capsys.readouterr().out)[1])


def test_rows_are_the_model_and_its_baselines(folder, tmp_path, capsys):
    windows = ["--windows", "2", "--skip", "10"]
    found = saved(folder, tmp_path, "--text", folder / "one.txt", "--window", 40, *windows)
    by_row = perplexities(found)
    assert list(by_row) == ["converted", "stock", "softmax", "linear-kernel"]
    assert len(set(by_row.values())) == 4
    assert by_row["converted"] == pytest.approx(scored(folder, capsys, *windows), rel=1e-4)
    for kind in ("stock", "softmax"):
        alone = scored(folder, capsys, "--kind", kind, *windows)
        assert by_row[kind] == pytest.approx(alone, rel=1e-4)
    assert by_row["stock"] != pytest.approx(scored(folder, capsys, "--kind", "stock"), rel=1e-4)


def test_a_baseline_gives_its_weights_to_the_rows_without_scalers(folder, tmp_path, capsys):
    options = ["--text", folder / "one.txt", "--window", 40]
    own = perplexities(saved(folder, tmp_path, *options))
    found = saved(folder, tmp_path, *options, "--baseline", folder / "stock")
    other = perplexities(found)
    assert other["converted"] == own["converted"]
    assert other["stock"] == pytest.approx(scored(folder, capsys, model="stock"), rel=1e-3)
    for row in ("stock", "softmax", "linear-kernel"):
        assert abs(other[row] / own[row] - 1) > 1e-4
    weights = [row["weights"] for row in found["rows"]]
    assert weights == ["model", "baseline", "baseline", "baseline"]
    assert found["baseline"] == f"{folder}/stock"


def test_the_table_shows_every_row_and_says_what_it_means(folder, capsys):
    texts = [folder / "one.txt", folder / "two.txt"]
    more = ["--text", *texts, "--window", 40, "--windows", 2, "--task-folder", folder / "tasks"]
    assert evaluated(folder, *more, "--limit", 5, "--few-shot", 1, "--max-length", 64) == 0
    said = capsys.readouterr()
    lines = [re.split(r" {2,}", line.strip()) for line in said.out.splitlines()]
    assert lines[0] == ["attention", "one.txt", "two.txt", "piqa", "wikitext"]
    assert lines[1] == ["perplexity", "perplexity", "acc", "word_perplexity"]
    assert [line[0] for line in lines[2:6]] == ["converted", "stock", "softmax", "linear-kernel"]
    for line in lines[2:6]:
        assert re.fullmatch(r"[\d.]+ [\d.]+ [\d.]+ ± [\d.]+ [\d.]+", " ".join(line[1:]))
    notes = dict(line for line in lines[7:] if len(line) == 2)
    assert notes["model"] == f"{folder}/hw: 2 layers hardware, 1 layers stock"
    assert notes["softmax"] == "softmax over the last 16 tokens and the first 2 in those layers"
    assert notes["weights"].startswith("of stock, softmax, linear-kernel: the model's own; if")
    assert notes["one.txt"] == "2 windows of 40 tokens"
    assert notes["piqa"] == f"5 of {EXAMPLES} examples, 1 solved before each"
    assert "lm_eval" not in said.err


def test_the_file_holds_all_numbers_and_what_made_them(folder, tmp_path):
    more = ["--text", folder / "one.txt", "--window", 40, "--windows", 2, "--skip", 10]
    more += ["--task-folder", folder / "tasks", "--tasks", "piqa", "--kinds", "stock,hardware"]
    found = saved(folder, tmp_path, *more, "--limit", 6, "--batch-size", 4, "--seed", 3)
    assert found["versions"]["gaincell"] == gaincell.__version__
    assert {"torch", "transformers", "lm_eval", "python"} <= set(found["versions"])
    assert found["model"]["head"]["window"] == HEAD.window
    assert found["model"]["layers"] == ["hardware", "stock", "hardware"]
    assert (found["seed"], found["limit"], found["batch_size"]) == (3, 6, 4)
    assert found["texts"] == {"one.txt": {"windows": 2, "window_tokens": 40, "skipped_tokens": 10}}
    assert found["tasks"]["piqa"] == {
        "source": f"{folder}/tasks",
        "version": 1.0,
        "examples": EXAMPLES,
        "scored_examples": 6,
        "few_shot": 0,
        "main_metric": "acc",
    }
    assert [row["attention"] for row in found["rows"]] == ["stock", "hardware"]
    for row in found["rows"]:
        text = row["texts"]["one.txt"]
        assert text["predicted_tokens"] == 78
        assert text["perplexity"] == pytest.approx(math.exp(text["nats"] / 78))
        assert set(row["tasks"]["piqa"]) == {"acc", "acc_norm"}
        assert 0 <= row["tasks"]["piqa"]["acc"]["value"] <= 1
        assert row["tasks"]["piqa"]["acc"]["stderr"] >= 0
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["result.json"]


def test_faults_add_a_row_that_its_seed_makes_again(folder, tmp_path):
    (tmp_path / "faults.toml").write_text("gain_mismatch = 0.2\nread_noise = 0.05\n")
    options = ["--text", folder / "one.txt", "--window", 40, "--kinds", "converted,softmax"]
    found = []
    for source, seed in (
        ("gain_mismatch=0.2,read_noise=0.05", 0),
        (tmp_path / "faults.toml", 0),
        (tmp_path / "faults.toml", 1),
    ):
        whole = saved(folder, tmp_path, *options, "--faults", source, "--seed", seed)
        assert whole["faults"]["gain_mismatch"] == 0.2
        found.append(perplexities(whole))
    assert list(found[0]) == ["converted", "converted+", "softmax"]
    assert found[0]["converted"] != found[0]["converted+"]
    assert found[0] == found[1]
    assert found[0]["converted+"] != found[2]["converted+"]


def test_faults_do_not_depend_on_what_else_is_scored(folder, tmp_path):
    (tmp_path / "first.txt").write_text((folder / "one.txt").read_text()[50:])
    options = ["--window", 40, "--kinds", "converted", "--faults", "read_noise=0.05", "--text"]
    alone = saved(folder, tmp_path, *options, folder / "one.txt")
    after = saved(folder, tmp_path, *options, tmp_path / "first.txt", folder / "one.txt")
    assert perplexities(alone) == perplexities(after)


def test_a_stock_model_has_one_row(folder, tmp_path, capsys):
    options = ["--text", folder / "one.txt", "--window", 40]
    found = saved(folder, tmp_path, *options, model="stock")
    assert list(perplexities(found)) == ["stock"]
    assert "head" not in found["model"]
    assert perplexities(found)["stock"] == pytest.approx(
        scored(folder, capsys, model="stock"), rel=1e-3
    )


TEXT = ["--text", "{}/one.txt", "--window", "40"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ([], "nothing to evaluate on: give --text, --tasks or --task-folder"),
        (["--text", "{}/none.txt", "--window", "40"], "none.txt cannot be read"),
        (["--text", "{}/one.txt", "--window", "129"], "--window is 129, but the model has pos"),
        (["--text", "{}/one.txt", "--window", "99", "--windows", "9"], "9 windows of 99 tokens"),
        ([*TEXT, "--kinds", "stock,hardwere"], "kind 'hardwere' is unknown: known are converted"),
        ([*TEXT, "--kinds", "stock,"], "--kinds is 'stock,', but must be names with commas"),
        ([*TEXT, "-o", "{}/a/b.json"], "output .*b.json cannot be written"),
        ([*TEXT, "-o", "{}"], "is a folder, but must be a file"),
        ([*TEXT, "--limit", "0"], "--limit is 0, but must be at least 1"),
        ([*TEXT, "--few-shot", "-1"], "--few-shot is -1, but must be at least 0"),
        ([*TEXT, "--batch-size", "0"], "--batch-size is 0, but must be at least 1"),
        ([*TEXT, "--max-length", "1"], "--max-length is 1, but must be at least 2"),
        (
            ["--tasks", "piqa", "--max-length", "500"],
            "--max-length is 500, but the model has positions for 128",
        ),
        ([*TEXT, "--baseline", "{}/hw"], "the baseline is a converted model, but must be a stock"),
        ([*TEXT, "--baseline", "{}/tasks"], "tasks is a folder without config.json"),
        ([*TEXT, "--faults", "gain=1"], 'has the unknown key "gain" .nearest known: "gain_mism'),
        ([*TEXT, "--faults", "read_noise=1", "--kinds", "stock"], "faults need a row on arrays"),
        (["--task-folder", "{}/none"], "none is not a folder"),
        (["--task-folder", "{}/stock"], "stock has no YAML file with a task"),
        (["--task-folder", "{}/tasks", "--few-shot", "8"], "task piqa has 8 examples to take few"),
    ],
)
def test_wrong_inputs_are_one_sentence_and_status_2(folder, capsys, more, message):
    before = sorted(folder.rglob("*"))
    assert evaluated(folder, *(each.format(folder) for each in more)) == 2
    said = capsys.readouterr().err.strip()
    assert re.search(message, said)
    assert "\n" not in said
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--kinds", "softmax"], "kind softmax needs a model on hardware, which this is not"),
        (["--faults", "read_noise=1"], "faults need a row on arrays"),
        (["--baseline", "{}/stock"], "a baseline is for a model on hardware"),
    ],
)
def test_a_stock_model_cannot_do_what_needs_a_head(folder, capsys, more, message):
    more = [*TEXT, *more]
    assert evaluated(folder, *(each.format(folder) for each in more), model="stock") == 2
    assert message in capsys.readouterr().err


def test_a_model_that_is_not_there_is_one_sentence(folder, capsys):
    assert evaluated(folder, "--text", folder / "one.txt", model="tasks") == 2
    assert "tasks is a folder without config.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("short", "the baseline has num_hidden_layers 2, but the evaluated model has 3"),
        ("words", "has another vocabulary than the model"),
    ],
)
def test_a_baseline_must_fit_the_model(folder, tmp_path, capsys, name, message):
    model, words = load_model(folder / "stock")
    if name == "short":
        model.config.num_hidden_layers = 2
        model = type(model)(model.config)
    else:
        words.add_tokens(["more"])
    model.save_pretrained(tmp_path / name)
    words.save_pretrained(tmp_path / name)
    more = ["--text", folder / "one.txt", "--window", 40, "--baseline", tmp_path / name]
    assert evaluated(folder, *more) == 2
    assert message in capsys.readouterr().err


def test_an_unreachable_hub_is_one_sentence_and_nothing_is_written(
    folder, tmp_path, capsys, monkeypatch
):
    def unreachable(*arguments, **options):
        raise ConnectionError("Couldn't reach it")

    monkeypatch.setattr("datasets.load_dataset", unreachable)
    assert evaluated(folder, "--tasks", "arc_easy", "-o", tmp_path / "result.json") == 3
    said = capsys.readouterr()
    assert said.err.startswith("gaincell: the data set allenai/ai2_arc of task arc_easy could not")
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert not list(tmp_path.glob("*.json"))


def test_a_task_that_fails_leaves_no_file(folder, tmp_path, capsys, monkeypatch):
    (tmp_path / "result.json").write_text("the one before")

    def broken(*arguments, **options):
        raise KeyError("inside")

    monkeypatch.setattr("lm_eval.evaluate", broken)
    more = ["--task-folder", folder / "tasks", "-o", tmp_path / "result.json"]
    assert evaluated(folder, *more) == 2
    assert 'task piqa could not be scored: "inside" is missing' in capsys.readouterr().err
    assert (tmp_path / "result.json").read_text() == "the one before"
    assert not list(tmp_path.glob(".unfinished-*"))


@pytest.mark.parametrize(("missing", "more"), [("torch", TEXT), ("lm_eval", ["--tasks", "piqa"])])
def test_without_the_extra_the_way_to_it_is_said(folder, capsys, monkeypatch, missing, more):
    monkeypatch.setattr(
        "gaincell.commands.options.texts.find_spec",
        lambda name: None if name == missing else "there",
    )
    assert evaluated(folder, *(each.format(folder) for each in more)) == 2
    said = capsys.readouterr().err
    assert f"this command needs {missing}: pip install 'gaincell[ml]'" in said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("read_noise=", "--faults sets read_noise to '', which is no number"),
        ("read_noise=1,ir_drop", "in which 'ir_drop' has no value"),
        ("read_noise=1,read_noise=2", "in which 'read_noise' is given twice"),
        ("read_noise=-1", "--faults: read_noise is -1.0, but must be at least 0"),
        ("none.toml", "none.toml, neither key=value,... nor a file that can be read"),
        ("{}/broken.toml", "is not valid TOML"),
        ("{}/words.toml", '--faults: read_noise is "much", but must be a number'),
    ],
)
def test_wrong_faults(tmp_path, text, message):
    (tmp_path / "broken.toml").write_text("a = ")
    (tmp_path / "words.toml").write_text('read_noise = "much"')
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        faults_of(text.format(tmp_path))


def test_no_faults_are_no_faults():
    assert faults_of(None) is None


def test_the_page_names_every_row_and_task():
    page = (Path(__file__).parents[3] / "docs" / "do" / "evaluation.md").read_text()
    assert tuple(re.findall(r"^\| `([\w-]+)` \|", page, re.MULTILINE)) == ATTENTIONS
    assert f"--tasks {','.join(TASKS)}" in page
    assert f"`--kinds {','.join(DEFAULT)}`" in page
