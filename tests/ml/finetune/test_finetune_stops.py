"""Runs that stop or fail in the middle, in this process: what they say, and how they go on."""

import errno
import re
import shutil
from pathlib import Path

import pytest
import torch
from finetune_runs import PAPER, finetune, left_unfinished, metrics, said, stopped
from safetensors.torch import load_file, save_file

from gaincell.ml.finetune.state import checkpoints
from gaincell.ml.finetune.trainer import StageTrainer

pytestmark = [
    pytest.mark.training,
    pytest.mark.usefixtures("quiet_transformers", "in_a_folder"),
]


@pytest.fixture
def half_done(halted, in_a_folder):
    """The present folder holds a run that was stopped in its third step."""
    for name in ("run", "run.toml"):
        (shutil.copytree if (halted / name).is_dir() else shutil.copy)(halted / name, name)


def test_a_stopped_run_goes_on_with_the_same_losses(whole, capsys, monkeypatch):
    stopped(monkeypatch)
    assert "stopped after step 3 of [nonlinear]" in said(capsys)
    assert finetune() == 0
    assert "going on after step 3 of [nonlinear]" in capsys.readouterr().out
    assert metrics()["losses"] == metrics(whole / "run")["losses"]
    found, expected = (
        load_file(folder / "model/model.safetensors") for folder in (Path("run"), whole / "run")
    )
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"nonlinear": {"steps": 9}}, r"\[nonlinear\] steps is 9 and was 5"),
        ({"run": {"seed": 1}}, r"\[run\] seed is 1 and was 0"),
        ({"teacher": {}}, r"\[teacher\] is new"),
    ],
)
def test_a_changed_run_file_is_refused(half_done, capsys, changes, sentence):
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
def test_changed_files_are_refused(half_done, capsys, change, sentence):
    change()
    assert finetune() == 2
    assert re.search(sentence, said(capsys))


def test_another_number_of_processes_is_refused(half_done, capsys, monkeypatch):
    monkeypatch.setattr("gaincell.ml.finetune.preparation.processes", lambda: 4)
    assert finetune() == 2
    assert "was begun with other processes: 4 now, 1 then" in said(capsys)


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
def test_a_full_disk_keeps_the_last_good_checkpoint(half_done, capsys, monkeypatch, when):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    name = {"optimizer": "save_file", "state": "_dump", "prune": "prune"}[when]
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, name, full)
        assert finetune() == 3
    sentence = said(capsys)
    assert (
        "the checkpoint of step 4 of [nonlinear] cannot be written: No space left on device; "
        in sentence
    )
    last = "nonlinear-000004" if when == "prune" else "nonlinear-000003"
    assert f"the last checkpoint is run/checkpoints/{last}: make room" in sentence
    assert not left_unfinished()
    assert finetune() == 0
    assert len(metrics()["losses"]["nonlinear"]) == 5


def test_a_disk_that_is_full_at_the_end_leaves_no_half_model(capsys, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("gaincell.ml.models.saved.write.new_folder", full)
        patch.setattr("gaincell.ml.finetune.folder.make_folder", lambda *_: Path("run").mkdir())
        assert finetune() == 3
    assert "the model cannot be written to run/model: No space left on device; make room" in said(
        capsys
    )
    assert not Path("run/model").exists()


def test_curves_that_cannot_be_written_end_the_run(capsys, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("torch.utils.tensorboard.SummaryWriter.add_scalar", full)
    assert finetune({"run": {"tensorboard": True}}) == 3
    assert "the curves in run/tensorboard cannot be written: [Errno 28]" in said(capsys)


@pytest.mark.parametrize("file", ["model.safetensors", "optimizer.safetensors", "state.json"])
def test_a_damaged_checkpoint_is_named(half_done, capsys, file):
    path = Path("run/checkpoints/nonlinear-000003", file)
    path.write_bytes(path.read_bytes()[:100])
    assert finetune() == 2
    sentence = said(capsys)
    assert "checkpoint run/checkpoints/nonlinear-000003 is damaged: " in sentence
    assert "remove it to go on from the one before" in sentence


def test_a_checkpoint_of_another_model_is_refused(half_done, capsys):
    path = Path("run/checkpoints/nonlinear-000003/model.safetensors")
    save_file({"strange": torch.zeros(1)}, path)
    assert finetune() == 2
    assert "does not fit the model: strange is in only one of them" in said(capsys)


def test_noise_and_dropout_are_not_those_of_another_seed():
    """So that equal losses after a break mean that the state came back."""
    found = []
    for seed in (0, 1):
        changes = {"model": {"name": "gpt2"}, "faults": PAPER["faults"]}
        assert finetune(changes | {"run": {"folder": f"run{seed}", "seed": seed}}) == 0
        found.append(metrics(f"run{seed}")["losses"])
    assert found[0] != found[1]
