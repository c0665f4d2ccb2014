"""A prepared folder for the run on a GPU, so small that a CPU does all of it."""

import pytest
from forks import Forks
from gpu_material import HEAD, PLAN, forked_gpu_run, words
from tiny_models import VOCABULARY, llama
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import PreTrainedTokenizerFast


@pytest.fixture(scope="session")
def material(tmp_path_factory):
    """A stock model, texts and a plan; not to be changed."""
    folder = tmp_path_factory.mktemp("material")
    llama(num_hidden_layers=2).float().save_pretrained(folder / "stock")
    plain = Tokenizer(WordLevel({f"w{n}": n for n in range(VOCABULARY)}, unk_token="w0"))
    plain.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=plain).save_pretrained(folder / "stock")
    (folder / "plan.toml").write_text(PLAN)
    (folder / "head.toml").write_text(HEAD)
    (folder / "text.txt").write_text(words(1500, 1))
    for number, name in enumerate(("prose", "code")):
        (folder / f"{name}.txt").write_text(words(300, 2 + number))
    return folder


@pytest.fixture(scope="session")
def forks():
    """Where processes come from that need not import."""
    forks = Forks()
    yield forks
    forks.close()


@pytest.fixture(scope="session")
def pieces(material, forks):
    """The folder's pieces, of at most 40 kB each."""
    ended = forked_gpu_run(
        forks,
        *("prepare", "--model", "stock", "--plan", "plan.toml", "--piece-mb", 0.04),
        *("--text", "text.txt", "--scored", "prose=prose.txt", "code=code.txt", "-o", "pieces"),
        cwd=material,
    )
    assert ended.returncode == 0, ended.stderr
    return material / "pieces"
