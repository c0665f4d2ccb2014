"""What a run cannot start with, or fails of: one sentence, and nothing half done."""

import errno
import re
import shutil
from pathlib import Path

import pytest
import torch
from finetune_runs import PAPER, finetune, left_unfinished, make_folder, metrics, tokenizer
from safetensors.torch import load_file, save_file

from gaincell.cli import main
from gaincell.commands import finetune as command
from gaincell.files import new_folder, remove_unfinished
from gaincell.ml.finetune.state import checkpoints
from gaincell.ml.finetune.trainer import StageTrainer

pytestmark = pytest.mark.usefixtures("quiet_transformers")

ONE = {"steps": 1}


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_folder(tmp_path)


def said(capsys):
    """The one sentence that was said."""
    error = capsys.readouterr().err
    lines = [line for line in error.splitlines() if line.startswith("gaincell: ")]
    assert len(lines) == 1, error
    assert "Traceback" not in error
    return lines[0]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": {"name": "none.gguf"}}, "none.gguf is not a file"),
        ({"model": {"name": "empty"}}, "is a folder without config.json"),
        ({"model": {"config": "none.toml"}}, "config none.toml cannot be read"),
        ({"model": {"config": "gpt2"}}, "heads have 16 dimensions, but head_dim of the config is"),
        ({"model": {"config": None}}, r"llama is not converted: give \[model\] config"),
        ({"model": {"layers": "7"}}, "layers names 7, but must be 0..2"),
        ({"model": {"layers": "x"}}, "layers is x, but must be a list such as"),
        ({"model": {"fit_windows": 99}}, r"\[model\] fit_windows asks for 99 windows of 32 tokens"),
        ({"data": {"text": "none.txt"}}, "text none.txt cannot be read"),
        ({"data": {"skip": 1200}}, "has 1200 tokens, but skip is 1200"),
        ({"data": {"tokens": 20}}, "the data has 20 tokens, but a window needs 32"),
        ({"data": {"window": 129}}, "window is 129, but the model has positions for 128 tokens"),
        ({"held_out": {"skip": 1190}}, r"\[held_out\] asks for 1 windows of 32 tokens, but 10 tok"),
        ({"held_out": {"token_file": "t.bin"}}, "token file t.bin cannot be read"),
        ({"adapt": {}}, "no layer is of kind linear"),
        ({"adapt": {"windows": 99}, "linear": ONE}, r"\[adapt\] windows asks for 99 windows"),
        ({"teacher": {"name": "other"}}, "the teacher other has another vocabulary than the model"),
        ({"teacher": {"name": "hw"}}, "the teacher hw is a converted model: name the stock model"),
        ({"teacher": {"name": "empty"}}, "is a folder without config.json"),
        ({"model": {"name": "hw", "layers": "1"}}, "layers is 1, but hw is converted already"),
        ({"model": {"name": "soft"}}, "no layer of soft is of kind linear or hardware"),
        ({"run": {"folder": "llama"}}, "folder llama exists, but holds no run: name a new one"),
        ({"run": {"keep": 0}}, "keep is 0, but must be at least 1"),
    ],
)
def test_wrong_inputs_are_one_sentence_and_nothing_is_written(capsys, changes, sentence):
    Path("empty").mkdir()
    for name, kind in (("hw", "hardware"), ("soft", "softmax")):
        options = ["--text", "text.txt", "--window", "32", "--config", "head.toml"]
        options += ["--kind", kind, "--init", "ranges"]
        assert main(["convert", "--model", "llama", *options, "-o", name]) == 0

    shutil.copytree("llama", "other")
    tokenizer(60).save_pretrained("other")
    capsys.readouterr()
    before = {path for path in Path().rglob("*") if path.name != "run.toml"}
    assert finetune(changes) == 2
    assert re.search(sentence, said(capsys))
    assert {path for path in Path().rglob("*") if path.name != "run.toml"} == before


def test_a_run_file_that_is_not_there(capsys):
    assert main(["finetune", "none.toml"]) == 2
    assert "run file none.toml cannot be read: No such file" in said(capsys)


@pytest.mark.parametrize("missing", ["torch", "tensorboard"])
def test_without_what_it_needs_the_way_to_it_is_said(capsys, monkeypatch, missing):
    module = (
        "gaincell.commands.options.texts" if missing == "torch" else "gaincell.commands.finetune"
    )
    monkeypatch.setattr(f"{module}.find_spec", lambda name: None)
    assert finetune({"run": {"tensorboard": True}}) == 2
    assert re.search(rf"{missing}.*pip install 'gaincell\[ml\]'", said(capsys))


def stopped(monkeypatch, changes=None, step=3):
    """A run that was told to stop in that step."""
    compute, calls = StageTrainer.compute_loss, []

    def look(self, *rest, **options):
        calls.append(1)
        if len(calls) == step:
            # As the handler of a signal does.
            self.interrupted = lambda: True
        return compute(self, *rest, **options)

    with monkeypatch.context() as patch:
        patch.setattr(StageTrainer, "compute_loss", look)
        assert finetune(changes) == command.INTERRUPTED


def test_a_stopped_run_goes_on_with_the_same_losses(capsys, monkeypatch):
    assert finetune({"run": {"folder": "whole"}}) == 0
    stopped(monkeypatch)
    assert "stopped after step 3 of [nonlinear]" in said(capsys)
    assert finetune() == 0
    assert "going on after step 3 of [nonlinear]" in capsys.readouterr().out
    assert metrics()["losses"] == metrics("whole")["losses"]
    found, expected = (load_file(f"{each}/model/model.safetensors") for each in ("run", "whole"))
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"nonlinear": {"steps": 9}}, r"\[nonlinear\] steps is 9 and was 5"),
        ({"run": {"seed": 1}}, r"\[run\] seed is 1 and was 0"),
        ({"teacher": {}}, r"\[teacher\] is new"),
    ],
)
def test_a_changed_run_file_is_refused(capsys, monkeypatch, changes, sentence):
    stopped(monkeypatch)
    capsys.readouterr()
    assert finetune(changes) == 2
    assert re.search(f"begun with another run file: {sentence}; change it back", said(capsys))


def change_text():
    Path("text.txt").write_text(Path("text.txt").read_text().replace("w3 ", "w4 "))


def change_head():
    text = Path("head.toml").read_text().replace("output_saturation = 2.0", "output_saturation = 3")
    Path("head.toml").write_text(text)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (change_text, "was begun with other data: 960 tokens, "),
        (change_head, "was begun with other head: .*'output_saturation': 3"),
    ],
)
def test_changed_files_are_refused(capsys, monkeypatch, change, sentence):
    stopped(monkeypatch)
    capsys.readouterr()
    change()
    assert finetune() == 2
    assert re.search(sentence, said(capsys))


def test_another_number_of_processes_is_refused(capsys, monkeypatch):
    stopped(monkeypatch)
    capsys.readouterr()
    monkeypatch.setattr("gaincell.ml.finetune.preparation.processes", lambda: 4)
    assert finetune() == 2
    assert "was begun with other processes: 4 now, 1 then" in said(capsys)


def test_only_the_first_process_says_why(capsys, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    assert finetune({"data": {"text": "none.txt"}}) == 2
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_a_training_that_diverges_keeps_the_last_good_checkpoint(capsys, monkeypatch, what):
    compute, calls = StageTrainer.compute_loss, []

    def diverge(self, *rest, **options):
        calls.append(1)
        loss = compute(self, *rest, **options)
        if len(calls) < 4:
            return loss
        # The square root of 0 is finite, and its slope is not.
        return loss * float("nan") if what == "loss" else loss + (loss - loss).sqrt()

    monkeypatch.setattr(StageTrainer, "compute_loss", diverge)
    assert finetune() == 1
    sentence = said(capsys)
    assert f"the {what} of step 4 of [nonlinear] is not finite" in sentence
    assert "the last checkpoint is run/checkpoints/nonlinear-000002" in sentence
    assert [each.name for each in Path("run/checkpoints").iterdir()] == ["nonlinear-000002"]
    weights = load_file("run/checkpoints/nonlinear-000002/model.safetensors")
    assert all(bool(each.isfinite().all()) for each in weights.values())
    assert not Path("run/model").exists()


@pytest.mark.parametrize("when", ["optimizer", "state", "prune"])
def test_a_full_disk_keeps_the_last_good_checkpoint(capsys, monkeypatch, when):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    stopped(monkeypatch, step=2)
    capsys.readouterr()
    name = {"optimizer": "save_file", "state": "_dump", "prune": "prune"}[when]
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, name, full)
        assert finetune() == 1
    sentence = said(capsys)
    assert "the checkpoint of step 4 of [nonlinear] cannot be written: [Errno 28]" in sentence
    last = "nonlinear-000004" if when == "prune" else "nonlinear-000002"
    assert f"the last checkpoint is run/checkpoints/{last}: make room" in sentence
    assert not left_unfinished()
    assert finetune() == 0
    assert len(metrics()["losses"]["nonlinear"]) == 5


def test_a_disk_that_is_full_at_the_end_leaves_no_half_model(capsys, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("gaincell.ml.finetune.run.new_folder", full)
        patch.setattr("gaincell.ml.finetune.run.make_folder", lambda *_: Path("run").mkdir())
        assert finetune() == 1
    assert "the model cannot be written to run/model: [Errno 28]" in said(capsys)
    assert not Path("run/model").exists()


def test_curves_that_cannot_be_written_end_the_run(capsys, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("torch.utils.tensorboard.SummaryWriter.add_scalar", full)
    assert finetune({"run": {"tensorboard": True}}) == 1
    assert "the curves in run/tensorboard cannot be written: [Errno 28]" in said(capsys)


@pytest.mark.parametrize("file", ["model.safetensors", "optimizer.safetensors", "state.json"])
def test_a_damaged_checkpoint_is_named(capsys, monkeypatch, file):
    stopped(monkeypatch)
    capsys.readouterr()
    path = Path("run/checkpoints/nonlinear-000003", file)
    path.write_bytes(path.read_bytes()[:100])
    assert finetune() == 1
    sentence = said(capsys)
    assert "checkpoint run/checkpoints/nonlinear-000003 is damaged: " in sentence
    assert "remove it to go on from the one before" in sentence


def test_a_checkpoint_of_another_model_is_refused(capsys, monkeypatch):
    stopped(monkeypatch)
    capsys.readouterr()
    path = Path("run/checkpoints/nonlinear-000003/model.safetensors")
    save_file({"strange": torch.zeros(1)}, path)
    assert finetune() == 1
    assert "does not fit the model: strange is in only one of them" in said(capsys)


def test_a_folder_is_there_whole_or_not_at_all():
    with pytest.raises(ZeroDivisionError), new_folder(Path("a")) as inside:
        (inside / "x").write_text(str(1 // 0))
    assert not Path("a").exists()
    assert not left_unfinished(".")
    with new_folder(Path("a")) as inside:
        (inside / "x").write_text("whole")
        assert not Path("a").exists()
    assert Path("a/x").read_text() == "whole"
    with pytest.raises(OSError, match=r"not empty|exists"), new_folder(Path("a")):
        pass
    assert Path("a/x").read_text() == "whole"
    Path(".unfinished-1").mkdir()
    Path(".unfinished-2").write_text("")
    remove_unfinished(Path())
    assert not left_unfinished(".")


def test_noise_and_dropout_are_not_those_of_another_seed():
    """So that equal losses after a break mean that the state came back."""
    found = []
    for seed in (0, 1):
        changes = {"model": {"name": "gpt2"}, "faults": PAPER["faults"]}
        assert finetune(changes | {"run": {"folder": f"run{seed}", "seed": seed}}) == 0
        found.append(metrics(f"run{seed}")["losses"])
    assert found[0] != found[1]
