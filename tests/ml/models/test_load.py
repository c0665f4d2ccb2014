"""Loading: every weight comes from the file, and what is wrong with a file is one sentence."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import HEAD, MODELS

from gaincell.ml.models.convert import convert
from gaincell.ml.models.load import load_model, load_tokenizer
from gaincell.refusals import Unable

pytestmark = pytest.mark.usefixtures("quiet_transformers")

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 548105171\n"
WEIGHTS = "model.safetensors"


@pytest.fixture
def stock(folder):
    return folder / "stock"


def rewrite(folder, change):
    """The saved tensors, as ``change`` gives them back."""
    save_file(change(load_file(folder / WEIGHTS)), folder / WEIGHTS, {"format": "pt"})


def renamed(part):
    return lambda tensors: {part + name: tensor for name, tensor in tensors.items()}


def without(part):
    return lambda tensors: {name: each for name, each in tensors.items() if part not in name}


def more(name, *shape):
    return lambda tensors: tensors | {name: torch.ones(shape)}


def inside(tensors):
    """As torch.compile of single layers leaves the names."""
    return {
        name.replace("layers.1.", "layers.1._orig_mod."): each for name, each in tensors.items()
    }


def transposed(tensors):
    turned = {name: each.t().contiguous() for name, each in tensors.items() if "mlp" in name}
    return tensors | turned


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (renamed("_orig_mod."), "names with _orig_mod. are of a model inside torch.compile"),
        (inside, "layers.1._orig_mod.input_layernorm.weight: names with _orig_mod. are of a"),
        (renamed("module."), "are of a model inside DistributedDataParallel"),
        (renamed("mine."), r"but mine.lm_head.weight: take mine. off the names"),
        (
            without("layers.2."),
            "has no model.layers.2.input_layernorm.weight, of 9 missing weights$",
        ),
        (
            lambda tensors: {"state_dict": torch.ones(1)},
            "state_dict: the file is of a whole",
        ),
        (without("lm_head"), "has no lm_head.weight, of 1 missing weights$"),
        (without(""), "of 30 missing weights"),
        (
            more("model.layers.0.self_attn.q_proj.bias", 64),
            "q_proj.bias, of 1 weights that the model",
        ),
        (
            more("model.norm.weight", 63),
            r"model.norm.weight of shape \(63,\), but the model's is \(64",
        ),
        (transposed, r"shape \(96, 64\), but .* \(64, 96\): it is transposed, as nanoGPT"),
    ],
)
def test_weights_that_are_not_the_models_are_named(stock, change, message):
    rewrite(stock, change)
    with pytest.raises(ValueError, match=message):
        load_model(stock)


def test_the_head_of_a_model_without_its_own_may_be_missing(stock):
    config = json.loads((stock / "config.json").read_text())
    (stock / "config.json").write_text(json.dumps(config | {"tie_word_embeddings": True}))
    rewrite(stock, without("lm_head"))
    model, _ = load_model(stock)
    assert model.lm_head.weight is model.model.embed_tokens.weight


def test_constants_that_older_versions_saved_are_no_weights(stock):
    rewrite(stock, more("model.layers.0.self_attn.rotary_emb.inv_freq", 8))
    load_model(stock)


def test_a_converted_model_is_read_as_strictly(stock):
    model = convert(load_model(stock)[0], HEAD)
    model.save_pretrained(stock)
    rewrite(stock, without("layers.1.mlp.up_proj"))
    with pytest.raises(ValueError, match=r"has no model\.layers\.1\.mlp\.up_proj\.weight, of 1"):
        load_model(stock)


def test_a_config_of_a_large_model_is_refused_at_once(stock):
    config = json.loads((stock / "config.json").read_text())
    large = {"hidden_size": 1 << 16, "num_attention_heads": 512, "num_key_value_heads": 512}
    (stock / "config.json").write_text(json.dumps(config | large))
    with pytest.raises(ValueError, match=r"of shape .*, but the model's is"):
        load_model(stock)


def cut_off(data):
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (WEIGHTS, lambda data: POINTER, "is a Git LFS pointer: fetch the file with git lfs pull"),
        (WEIGHTS, cut_off, r"has \d+ bytes, but its header says \d+: fetch it again"),
        (WEIGHTS, lambda data: data + b"x", r"has \d+ bytes, but its header says \d+"),
        (WEIGHTS, lambda data: data[:100], "is no whole safetensors file: fetch it again"),
        (WEIGHTS, lambda data: b"", "is no whole safetensors file"),
        (WEIGHTS, lambda data: b"<!DOCTYPE html>", "is no whole safetensors file"),
        (WEIGHTS, lambda data: b"\x02" + bytes(7) + b"[]", "is no whole safetensors file"),
        ("config.json", cut_off, "config.json is no JSON"),
        (
            "config.json",
            lambda data: b"[" * 100_000,
            "is no JSON: it is nested too deep",
        ),
        ("config.json", lambda data: b"[1]", "config.json holds no table"),
        ("config.json", lambda data: data.replace(b'"llama"', b'"mine"'), "model type `mine`"),
        (
            "config.json",
            lambda data: data.replace(b'"num_hidden_layers": 3', b'"num_hidden_layers": "3"'),
            "'num_hidden_layers' expected int, got str",
        ),
        ("config.json", lambda data: data.replace(b'"silu"', b'"mine"'), "mine"),
        ("tokenizer.json", lambda data: POINTER, "is a Git LFS pointer"),
        ("tokenizer.json", cut_off, "no tokenizer could be read from"),
        ("tokenizer_config.json", lambda data: b"{", "no tokenizer could be read from"),
        ("adapter_config.json", lambda data: b"{}", "merge the adapter with merge_and_unload"),
    ],
)
def test_damaged_files_are_one_sentence(stock, name, change, message, monkeypatch):
    monkeypatch.setattr("gaincell.inputs.model_places.find_spec", lambda name: None)
    path = stock / name
    path.write_bytes(change(path.read_bytes() if path.exists() else b""))
    with pytest.raises(ValueError, match=message) as refused:
        load_model(stock)
    assert "\n" not in str(refused.value)


def test_a_pickle_that_holds_more_than_weights_is_refused(stock):
    (stock / WEIGHTS).unlink()
    torch.save({"weights": shutil.rmtree}, stock / "pytorch_model.bin")
    with pytest.raises(ValueError, match="a file holds more than weights, or is damaged"):
        load_model(stock)


def test_a_missing_shard_is_named(tmp_path, stock):
    model, tokenizer = load_model(stock)
    for each in (model, tokenizer):
        each.save_pretrained(
            tmp_path / "sharded", **({"max_shard_size": "40KB"} if each is model else {})
        )
    gone = sorted((tmp_path / "sharded").glob("model-*.safetensors"))[0]
    gone.unlink()
    with pytest.raises(ValueError, match=f"no model could be read from .*{gone.name}"):
        load_model(tmp_path / "sharded")


def test_a_folder_without_a_tokenizer_is_refused(stock):
    for path in stock.glob("tokenizer*"):
        path.unlink()
    for load in (load_model, load_tokenizer):
        with pytest.raises(ValueError, match="no tokenizer"):
            load(stock)


def test_a_hub_that_does_not_answer_is_no_wrong_input(monkeypatch):
    def unreachable(*_, **__):
        raise OSError("We couldn't connect") from ConnectionError("no route")

    monkeypatch.setattr("gaincell.ml.models.load.AutoTokenizer.from_pretrained", unreachable)
    with pytest.raises(Unable, match="somebody/model: it is not on this machine, and no hub"):
        load_model("somebody/model")


@pytest.mark.parametrize("name", MODELS)
def test_whole_models_of_both_families_load(name, tmp_path, stock):
    MODELS[name]().save_pretrained(tmp_path / name)
    for path in stock.glob("tokenizer*"):
        shutil.copy(path, tmp_path / name)
    model, tokenizer = load_model(tmp_path / name, torch.float64)
    pairs = zip(model.parameters(), MODELS[name]().parameters(), strict=True)
    assert all(torch.equal(*pair) for pair in pairs)
    assert tokenizer("w3").input_ids == [3]


def test_a_saved_model_without_a_tokenizers_files_is_refused_by_what_it_lacks(stock):
    convert(load_model(stock)[0], HEAD).save_pretrained(stock)
    for path in stock.glob("token*"):
        path.unlink()
    with pytest.raises(ValueError, match="stock has no tokenizer: save it with"):
        load_tokenizer(stock)
