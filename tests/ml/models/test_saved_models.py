"""Converted models saved and loaded: always on hardware, never silently softmax."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import HEAD, MODELS, tokens
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

from gaincell.config import HeadConfig
from gaincell.ml.models.convert import convert
from gaincell.ml.models.settings import Settings
from gaincell.ml.start.ranges import fit_ranges

pytestmark = pytest.mark.usefixtures("quiet_transformers")


@pytest.fixture(params=MODELS)
def hardware(request):
    model = convert(MODELS[request.param](), HEAD, layers=[0, 2])
    fit_ranges(model, tokens(4, 60, seed=4))
    return model


def rewritten(folder, change):
    """The saved tensors as ``change`` leaves them."""
    path = folder / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, {"format": "pt"})


def test_comes_back_as_the_same_hardware_model(hardware, tmp_path):
    ids = tokens(2, 40)
    expected = hardware(ids).logits
    hardware.save_pretrained(tmp_path)
    assert not list(tmp_path.glob("*.bin"))
    for loader in (AutoModelForCausalLM, type(hardware)):
        loaded = loader.from_pretrained(tmp_path)
        assert type(loaded) is type(hardware)
        assert torch.equal(loaded.eval()(ids).logits, expected)
        assert Settings.of(loaded.config) == Settings(HEAD, ("hardware", "stock", "hardware"))


def test_any_head_survives(tmp_path):
    head = HeadConfig(head_dim=16, window=8, columns=8, cell=(0.1, 2.0, 0.0, 1.0), refresh=False)
    model = convert(MODELS["gpt2"](), head, "linear")
    model.save_pretrained(tmp_path)
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert Settings.of(loaded.config) == Settings(head, ("linear",) * 3)


def test_missing_scalers_are_an_error(hardware, tmp_path):
    hardware.save_pretrained(tmp_path)
    name = next(each for each in hardware.state_dict() if each.endswith("k_gain"))
    rewritten(tmp_path, lambda tensors: tensors.pop(name))
    with pytest.raises(ValueError, match=f"has no {name}, of 1 missing"):
        AutoModelForCausalLM.from_pretrained(tmp_path)


def test_foreign_scalers_are_an_error(hardware, tmp_path):
    hardware.save_pretrained(tmp_path)
    name = next(each for each in hardware.state_dict() if each.endswith("k_gain"))
    foreign = name.replace(".0.", ".1.")
    rewritten(tmp_path, lambda tensors: tensors.update({foreign: tensors[name].clone()}))
    with pytest.raises(ValueError, match=f"has {foreign}, of 1 weights that the model has no"):
        AutoModelForCausalLM.from_pretrained(tmp_path)


def test_scalers_of_another_number_of_heads_are_an_error(hardware, tmp_path):
    hardware.save_pretrained(tmp_path)
    name = next(each for each in hardware.state_dict() if each.endswith("k_gain"))
    rewritten(tmp_path, lambda tensors: tensors.update({name: torch.ones(7).double()}))
    with pytest.raises(ValueError, match=rf"has {name} of shape \(7,\), but the model's is"):
        AutoModelForCausalLM.from_pretrained(tmp_path)


def test_another_attention_is_refused(hardware, tmp_path):
    hardware.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match='attn_implementation is "sdpa", but this is a hardware'):
        AutoModelForCausalLM.from_pretrained(tmp_path, attn_implementation="sdpa")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kinds": ["hardware"]}, "names 1 kinds, but the model has 3 layers"),
        ({"kinds": ["hardware", "stock", "cubic"]}, "layer 2 is of kind 'cubic'"),
        ({"head": {"head_dim": 0}}, "head_dim"),
        ({"more": 1}, "has no table gaincell with head and kinds"),
    ],
)
def test_a_wrong_table_in_config_json_is_an_error(hardware, tmp_path, change, message):
    hardware.save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    config = json.loads(path.read_text())
    config["gaincell"] |= change
    path.write_text(json.dumps(config))
    with pytest.raises(ValueError, match=message):
        AutoModelForCausalLM.from_pretrained(tmp_path)


@pytest.mark.training
def test_trainer_trains_scalers_without_weight_decay(hardware, tmp_path):
    data = [{"input_ids": row, "labels": row} for row in tokens(8, 24)]
    options = TrainingArguments(
        output_dir=tmp_path,
        max_steps=3,
        per_device_train_batch_size=2,
        learning_rate=1e-3,
        weight_decay=0.1,
        activation_checkpointing=True,
        use_cpu=True,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
    )
    trainer = Trainer(model=hardware.float(), args=options, train_dataset=data)
    before = {name: p.detach().clone() for name, p in hardware.named_parameters()}
    trainer.create_optimizer()
    decayed = {
        id(p) for group in trainer.optimizer.param_groups if group["weight_decay"]
        for p in group["params"]
    }  # fmt: skip
    assert decayed
    trainer.train()
    for name, parameter in hardware.named_parameters():
        if ".gaincell_norm." in name:
            assert id(parameter) not in decayed
            if not name.endswith("y_offset"):
                assert not torch.equal(parameter, before[name])
