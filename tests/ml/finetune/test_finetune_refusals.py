"""What a run cannot start with: one sentence, and nothing is written."""

import re
import shutil
from pathlib import Path

import pytest
from finetune_runs import finetune, left_unfinished, said, tokenizer

from gaincell.cli import main
from gaincell.files import new_folder, remove_unfinished

pytestmark = pytest.mark.usefixtures("quiet_transformers", "in_a_folder")

ONE = {"steps": 1}


@pytest.fixture(scope="module")
def more_models(material, tmp_path_factory):
    """Models hw/ and soft/, of kind hardware and softmax, and other/ with other words."""
    folder = tmp_path_factory.mktemp("models")
    text, head = f"{material}/text.txt", f"{material}/head.toml"
    for name, kind in (("hw", "hardware"), ("soft", "softmax")):
        options = ["--text", text, "--window", "32", "--config", head]
        options += ["--kind", kind, "--init", "ranges"]
        model = f"{material}/llama"
        assert main(["convert", "--model", model, *options, "-o", f"{folder}/{name}"]) == 0
    shutil.copytree(material / "llama", folder / "other")
    tokenizer(60).save_pretrained(folder / "other")
    return folder


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
def test_wrong_inputs_are_one_sentence_and_nothing_is_written(
    more_models, capsys, changes, sentence
):
    Path("empty").mkdir()
    for path in more_models.iterdir():
        Path(path.name).symlink_to(path)
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


def test_only_the_first_process_says_why(capsys, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setattr("gaincell.commands.finetune.SECONDS_FOR_THE_FIRST", 0.0)
    assert finetune({"data": {"text": "none.txt"}}) == 2
    assert capsys.readouterr().err == ""


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
