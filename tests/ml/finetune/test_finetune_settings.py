"""Run files: what they may say, and every way in which they are refused."""

from itertools import pairwise
from pathlib import Path

import pytest
from finetune_runs import write_run

from gaincell.ml.finetune.arguments import rate_at
from gaincell.ml.finetune.run_file import differences, load_run_file

STAGE = {"steps": 10, "learning_rate": 1e-3}


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def load(changes=None):
    write_run(changes)
    return load_run_file(Path("run.toml"))


def test_what_a_file_leaves_out_has_its_default():
    found = load()
    assert found.nonlinear.betas == (0.9, 0.95)
    assert found.nonlinear.final_ratio == 0.1
    assert found.training.train == "all"
    assert not found.training.bf16
    assert found.linear is found.teacher is found.held_out is found.faults is None
    assert [name for name, _ in found.stages] == ["nonlinear"]


def test_tables_are_all_there_for_metrics_json():
    tables = load({"faults": {"read_noise": 0.1}}).as_tables()
    assert tables["faults"]["read_noise"] == 0.1
    assert tables["nonlinear"]["betas"] == [0.9, 0.95]
    assert tables["linear"] is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"run": None}, r"table \[run\] is missing"),
        ({"run": {"folder": None}}, r"\[run\] folder is missing"),
        ({"run": {"folder": ""}}, r'\[run\] folder is "", but must be a string that is not'),
        ({"run": {"seed": -1}}, r"\[run\] seed is -1, but must be at least 0"),
        ({"run": {"keep": 0}}, r"\[run\] keep is 0, but must be at least 1"),
        ({"run": {"tensorboard": 1}}, r"\[run\] tensorboard is 1, but must be true or false"),
        ({"model": {"layer": "1"}}, r'\[model\] unknown key "layer" \(nearest known: "layers"\)'),
        ({"teachr": {}}, r'unknown key "teachr" \(nearest known: "teacher"\)'),
        ({"data": {"window": 1}}, r"\[data\] window is 1, but must be at least 2"),
        ({"data": {"window": 8.0}}, r"\[data\] window is 8.0, but must be a whole number"),
        ({"data": {"hub": "x"}}, r"\[data\] needs one of text, token_file and hub"),
        ({"data": {"text": None}}, r"\[data\] needs one of text, token_file and hub"),
        ({"held_out": {"text": "a", "hub": "x"}}, r"\[held_out\] needs at most one of"),
        ({"training": {"train": "norms"}}, r'"norms", but must be "all" or "attention" or "scal'),
        ({"training": {"matmul_precision": "low"}}, r'matmul_precision is "low", but must be "hi'),
        ({"teacher": {"weight": 0}}, r"\[teacher\] weight is 0, but must be above 0 and at most 1"),
        ({"teacher": {"temperature": 0.0}}, r"temperature is 0.0, but must be above 0"),
        ({"nonlinear": None}, r"nothing to train: give \[nonlinear\], \[linear\] or both"),
        ({"nonlinear": {"warmup": 6}}, r"\[nonlinear\] warmup is 6, but must be at most steps, 5"),
        ({"nonlinear": {"betas": [0.9, 1.0]}}, r"betas is \(0.9, 1.0\), but must be two numbers"),
        ({"nonlinear": {"betas": 0.9}}, r"betas is 0.9, but must be two numbers"),
        ({"nonlinear": {"learning_rate": "1"}}, r'learning_rate is "1", but must be a number abo'),
        ({"nonlinear": {"final_ratio": 2.0}}, r"final_ratio is 2.0, but must be at least 0 and at"),
        ({"nonlinear": {"steps": None}}, r"\[nonlinear\] steps is missing"),
        ({"linear": STAGE, "nonlinear": None, "adapt": {}}, r"\[adapt\] is given, but no \[nonli"),
        (
            {"faults": {"read_noise": -1.0}},
            r"\[faults\] read_noise is -1.0, but must be at least",
        ),
        ({"faults": {"seed": 0.5}}, r"\[faults\] seed is 0.5, but must be a whole number"),
        ({"faults": {"noise": 0.1}}, r'\[faults\] unknown key "noise" \(nearest known: "read_n'),
        (
            {"faults": {}, "training": {"activation_checkpointing": True}},
            r"activation_checkpointing would draw the noise of \[faults\] twice",
        ),
    ],
)
def test_each_wrong_key_is_a_sentence(changes, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        load(changes)
    assert str(caught.value).startswith("run file run.toml: ")
    assert "\n" not in str(caught.value)


def test_all_problems_are_said_at_once():
    with pytest.raises(ValueError, match="run file") as caught:
        load({"run": {"keep": 0, "seed": "x"}, "training": {"batch": 0}, "nonlinear": {"clip": 0}})
    for name in ("keep is 0", 'seed is "x"', "batch is 0", "clip is 0"):
        assert name in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("[run", "is not valid TOML"), ("run = 1\n[model]\n[data]", "run is 1, but must be a table")],
)
def test_a_file_that_is_no_run_file(text, sentence):
    Path("a.toml").write_text(text)
    with pytest.raises(ValueError, match=sentence):
        load_run_file(Path("a.toml"))
    with pytest.raises(ValueError, match=r"run file b\.toml cannot be read: No such file"):
        load_run_file(Path("b.toml"))


def test_differences_name_keys_and_values():
    before = load()
    assert differences(load(), before) == []
    now = load({"nonlinear": {"steps": 9}, "teacher": {}, "run": {"keep": 7}})
    assert differences(now, before) == [
        "[run] keep is 7 and was 2",
        "[teacher] is new",
        "[nonlinear] steps is 9 and was 5",
    ]
    assert "[teacher] is gone" in differences(before, now)


def test_the_rate_warms_up_and_falls_as_a_cosine_to_its_floor():
    stage = load({"nonlinear": STAGE | {"warmup": 4, "final_ratio": 0.1, "steps": 15}}).nonlinear
    rates = [rate_at(step, stage) for step in range(stage.steps)]
    assert rates[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert rates[9] == pytest.approx(0.55)
    assert rates[-1] == pytest.approx(0.1)
    assert all(a > b for a, b in pairwise(rates[4:]))


def test_the_example_of_the_documentation_has_every_table():
    example = Path(__file__).parents[3] / "docs" / "do" / "runs" / "finetune.toml"
    tables = load_run_file(example).as_tables()
    assert all(table is not None for table in tables.values())


def test_the_papers_training_of_gpt2_is_a_run_file():
    run = load_run_file(Path(__file__).parents[3] / "docs" / "do" / "runs" / "gpt2.toml")
    processes = 8
    assert run.training.batch * run.training.accumulation * processes == 1920
    assert [(name, stage.steps) for name, stage in run.stages] == [
        ("linear", 3000),
        ("nonlinear", 13000),
    ]


def test_the_training_after_a_start_is_a_run_file_without_a_loss_of_the_text():
    path = Path(__file__).parents[3] / "docs" / "do" / "runs" / "after_start.toml"
    run = load_run_file(path)
    assert run.teacher.weight == 1.0
    per_step = run.data.window * run.training.batch * run.training.accumulation
    assert [(name, stage.steps * per_step) for name, stage in run.stages] == [
        ("nonlinear", 307_200)
    ]
