"""A trained model from the stock one and a small file: as near as the file is large."""

import json

import pytest
import torch
from safetensors.torch import save_file
from tiny_models import HEAD, llama, tokens
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast

from gaincell.cli import main
from gaincell.ml.models.load import load_model
from gaincell.ml.models.saved.difference import rebuild, save_difference
from gaincell.ml.start import StartOptions, closed_form

pytestmark = pytest.mark.usefixtures("quiet_transformers")


def _save(model, folder):
    model.float().save_pretrained(folder)
    plain = Tokenizer(WordLevel({f"w{n}": n for n in range(50)}, unk_token="w0"))
    PreTrainedTokenizerFast(tokenizer_object=plain).save_pretrained(folder)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A stock model, and one on the arrays whose weights have all moved since its start."""
    top = tmp_path_factory.mktemp("difference")
    stock = llama()
    _save(stock, top / "stock")
    options = StartOptions(rounds=1, recent=4, align_tokens=0)
    closed_form(stock, HEAD, tokens(6, 48), options=options)
    torch.manual_seed(5)
    with torch.no_grad():
        for name, weight in stock.named_parameters():
            if "norm" not in name:
                weight += 0.02 * torch.randn_like(weight) * weight.std()
    _save(stock, top / "trained")
    return top


def distance(model, other):
    """Of all weights, relative to how far ``other`` is from zero."""
    pairs = zip(model.state_dict().values(), other.state_dict().values(), strict=True)
    squares = [((x - y).double().square().sum(), y.double().square().sum()) for x, y in pairs]
    return float((sum(x for x, _ in squares) / sum(y for _, y in squares)).sqrt())


def test_a_larger_file_is_nearer(folders, tmp_path):
    trained = load_model(folders / "trained")[0]
    found = []
    for most in (330_000, 370_000, 600_000):
        file, folder = tmp_path / f"{most}.safetensors", tmp_path / f"{most}"
        vectors = save_difference(folders / "stock", folders / "trained", file, most)
        assert file.stat().st_size <= most
        rebuild(folders / "stock", file, folder)
        model, _ = load_model(folder)
        assert model.config.gaincell == trained.config.gaincell
        found.append((vectors, distance(model, trained)))
    (fewest, _), (_, _), (most_vectors, least) = found
    assert fewest < most_vectors
    assert found[0][1] > found[1][1] > least
    assert least < 0.005


def test_too_few_bytes_are_refused(folders, tmp_path):
    with pytest.raises(ValueError, match="bytes without any vector, above 1000"):
        save_difference(folders / "stock", folders / "trained", tmp_path / "file", 1000)
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def difference(folders):
    file = folders / "small.safetensors"
    save_difference(folders / "stock", folders / "trained", file, 600_000)
    return file


def test_another_stock_model_is_refused(folders, difference, tmp_path):
    other = llama()
    with torch.no_grad():
        other.lm_head.weight *= 1.1
    _save(other, tmp_path / "other")
    with pytest.raises(ValueError, match=r"of another stock model than .*other"):
        rebuild(tmp_path / "other", difference, tmp_path / "made")
    assert not (tmp_path / "made").exists()


def test_the_command_makes_the_model(folders, difference, tmp_path, capsys):
    words = ["convert", "--model", str(folders / "stock"), "--difference", str(difference)]
    assert main([*words, "-o", str(tmp_path / "made")]) == 0
    assert "3 layers hardware" in capsys.readouterr().out
    made = load_model(tmp_path / "made")[0]
    assert distance(made, load_model(folders / "trained")[0]) < 0.005


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--text", "a.txt"], "leave out --text"),
        (["--layers", "0"], "leave out --layers"),
    ],
)
def test_options_of_a_start_are_refused(folders, difference, tmp_path, capsys, words, message):
    command = ["convert", "--model", str(folders / "stock"), "--difference", str(difference)]
    assert main([*command, *words, "-o", str(tmp_path / "made")]) == 2
    assert message in capsys.readouterr().err


def test_other_files_are_refused(folders, tmp_path):
    plain, text = tmp_path / "plain.safetensors", tmp_path / "text"
    save_file({"x": torch.zeros(1)}, plain)
    text.write_text(json.dumps({}))
    for file, message in ((plain, "holds something else"), (text, "cannot be read")):
        with pytest.raises(ValueError, match=message):
            rebuild(folders / "stock", file, tmp_path / "made")
