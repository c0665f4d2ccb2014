"""Files of converted models: no stock class makes a model from them, wherever gaincell is not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_models import HEAD, MODELS, tokens
from transformers import AutoModelForCausalLM, GPT2LMHeadModel, LlamaForCausalLM

from gaincell.ml.models.convert import convert
from gaincell.ml.models.saved.guard import SENTENCE, unguarded
from gaincell.ml.models.settings import Settings

pytestmark = pytest.mark.usefixtures("quiet_transformers")

STOCK = {"gpt2": GPT2LMHeadModel, "llama": LlamaForCausalLM}

WITHOUT_GAINCELL = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "gaincell":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Blocked())
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM
from transformers import GPT2LMHeadModel, LlamaForCausalLM
from transformers import LlamaForSequenceClassification, LlamaModel

folders = sys.argv[1:]
classes = [[GPT2LMHeadModel], [LlamaForCausalLM, LlamaForSequenceClassification, LlamaModel]]
for folder, stock in zip(folders, classes):
    for each in (AutoConfig, AutoModel, AutoModelForCausalLM, *stock):
        for options in ({}, {"attn_implementation": "sdpa"}, {"attn_implementation": "eager"}):
            try:
                each.from_pretrained(folder, ignore_mismatched_sizes=True, **options)
            except Exception as error:
                print(each.__name__, " ".join(str(error).split()))
            else:
                sys.exit(f"{each.__name__} loaded {folder} with {options}")
"""


def saved(name, folder):
    convert(MODELS[name](), HEAD, layers=[0, 2]).save_pretrained(folder)
    return folder


def test_nothing_loads_the_files_without_gaincell(tmp_path):
    folders = [str(saved(name, tmp_path / name)) for name in ("gpt2", "llama")]
    command = [sys.executable, "-I", "-c", WITHOUT_GAINCELL, *folders]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    lines = found.stdout.splitlines()
    assert len(lines) == 3 * (4 + 6)
    for line in lines:
        if line.startswith("Auto"):
            assert "gaincell_" in line
        else:
            assert SENTENCE in line


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("options", [{}, {"attn_implementation": "sdpa"}])
def test_stock_classes_refuse_the_files_beside_gaincell_too(name, options, tmp_path):
    with pytest.raises(Exception, match="runs on gain-cell arrays"):
        STOCK[name].from_pretrained(saved(name, tmp_path), **options)


def test_shards_and_models_saved_again_are_refused_as_well(tmp_path):
    first = saved("llama", tmp_path / "first")
    loaded = AutoModelForCausalLM.from_pretrained(first)
    loaded.save_pretrained(tmp_path / "second", max_shard_size="40KB")
    assert len(list((tmp_path / "second").glob("model-*.safetensors"))) > 1
    with pytest.raises(Exception, match="runs on gain-cell arrays"):
        LlamaForCausalLM.from_pretrained(tmp_path / "second", attn_implementation="sdpa")
    again = AutoModelForCausalLM.from_pretrained(tmp_path / "second")
    ids = tokens(1, 9)
    assert again(ids).logits.equal(loaded(ids).logits)


@pytest.mark.parametrize("name", MODELS)
def test_folders_of_older_versions_still_load(name, tmp_path):
    path = saved(name, tmp_path) / "config.json"
    table = unguarded(json.loads(path.read_text()))
    assert isinstance(table["vocab_size"], int)
    assert set(table["gaincell"]) == {"head", "kinds"}
    path.write_text(json.dumps(table | {"attn_implementation": "gaincell"}))
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert Settings.of(loaded.config) == Settings(HEAD, ("hardware", "stock", "hardware"))
    loaded(tokens(1, 9))


def test_a_model_card_says_how_to_load_the_files(tmp_path):
    card = saved("gpt2", tmp_path) / "README.md"
    assert "from gaincell.ml.models.load import load_model" in card.read_text()
    card.write_text("my own")
    saved("gpt2", Path(tmp_path))
    assert card.read_text() == "my own"
