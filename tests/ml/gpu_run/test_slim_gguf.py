"""A GGUF model is prepared without its lists of words, and comes back as it was."""

import gguf
import pytest
import torch
from tiny_gguf import write_model

from gaincell.gpu_run.pieces import gather
from gaincell.gpu_run.places import SLIM, Places
from gaincell.gpu_run.prepare import prepare
from gaincell.gpu_run.slim import LISTS
from gaincell.gpu_run.work.start import stock_model
from gaincell.ml.models.load import load_model

pytestmark = pytest.mark.usefixtures("quiet_transformers")


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Places of a prepared GGUF model, tiny.gguf in the same folder."""
    monkeypatch.setenv("GAINCELL_CACHE", str(tmp_path / "cache"))
    (tmp_path / "text.txt").write_text("abc ab a " * 50)
    prepare(
        tmp_path / "pieces",
        model=str(write_model(tmp_path / "tiny.gguf", 1)),
        learned=[tmp_path / "text.txt"],
        scored={"prose": tmp_path / "text.txt"},
    )
    found = Places(tmp_path / "work")
    assert gather([tmp_path / "pieces"], found.work / "pieces", found.prepared) == []
    return found


def test_the_lists_are_gone_and_all_else_is_there(places, tmp_path):
    before, after = (
        gguf.GGUFReader(path) for path in (tmp_path / "tiny.gguf", places.given / SLIM)
    )
    said = {
        name: field.contents()
        for name, field in before.fields.items()
        if name not in LISTS and not name.startswith("GGUF.")
    }
    assert {name: after.fields[name].contents() for name in said} == said
    assert not set(LISTS) & set(after.fields)
    for one, other in zip(before.tensors, after.tensors, strict=True):
        assert (one.name, one.tensor_type) == (other.name, other.tensor_type)
        assert one.data.tobytes() == other.data.tobytes()


def test_model_and_tokenizer_are_those_of_the_file(places, tmp_path):
    wanted, words = load_model(tmp_path / "tiny.gguf")
    for found, tokenizer in (
        stock_model(places),
        stock_model(places),
    ):  # decoded, then from its folder
        weights = found.state_dict()
        for name, weight in wanted.state_dict().items():
            assert torch.equal(weights[name], weight)
        assert tokenizer.get_vocab() == words.get_vocab()
        assert tokenizer("abcab zz").input_ids == words("abcab zz").input_ids
