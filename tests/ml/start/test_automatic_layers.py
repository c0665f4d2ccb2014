"""gaincell convert --layers auto:N: what it prints, converts and keeps, and what it refuses."""

import json
import re

import pytest

from gaincell.cli import main
from gaincell.commands.options.automatic import shown
from gaincell.commands.options.layers import automatic
from gaincell.ml.models.load import load_model
from gaincell.ml.start import Sensitivity

pytestmark = pytest.mark.usefixtures("quiet_transformers")


def converted(folder, *more):
    return main(
        [
            *("convert", "--model", f"{folder}/stock", "--text", f"{folder}/text.txt"),
            *("--config", f"{folder}/head.toml", "-o", f"{folder}/hw"),
            *("--window", "40", "--windows", "4", *more),
        ]
    )


def silence(folder, layer):
    """Let the attention of a layer add nothing to the stream."""
    model, _ = load_model(folder / "stock")
    model.model.layers[layer].self_attn.o_proj.weight.data.zero_()
    model.save_pretrained(folder / "stock")


def kinds(folder):
    return json.loads((folder / "hw" / "config.json").read_text())["gaincell"]["kinds"]


@pytest.mark.parametrize("layer", [0, 2])
def test_the_cheapest_layer_is_converted_and_every_cost_printed(folder, capsys, layer):
    silence(folder, layer)
    before = {path.name for path in folder.iterdir()}
    assert converted(folder, "--layers", "auto:1", "--rounds", "1") == 0
    assert kinds(folder) == ["hardware" if each == layer else "stock" for each in range(3)]
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows[0] == ["layer", "alone,", "nats", "per", "token"]
    assert rows[1][0] == str(layer)
    assert float(rows[1][1]) == pytest.approx(0, abs=1e-5)
    assert rows[1][2] == "converted"
    assert {row[0] for row in rows[1:4]} == {"0", "1", "2"}
    assert [len(row) for row in rows[2:4]] == [2, 2]
    assert float(rows[2][1]) <= float(rows[3][1])
    assert {path.name for path in folder.iterdir()} == before | {"hw"}


def test_an_interrupted_conversion_goes_on_without_measuring_again(folder, capsys, monkeypatch):
    words = ("--layers", "auto:2", "--rounds", "1")
    with monkeypatch.context() as patch:
        patch.setattr("gaincell.ml.start.closed_form", lambda *_, **__: 1 / 0)
        assert converted(folder, *words) == 70
    first = capsys.readouterr().out
    assert (folder / "hw.layers" / "sensitivity.json").is_file()
    name = "gaincell.ml.start.by_layer.sensitivity.fit_layer"
    monkeypatch.setattr(name, lambda *_: 1 / 0)
    assert converted(folder, *words) == 0
    assert capsys.readouterr().out.startswith(first)
    assert kinds(folder).count("hardware") == 2
    assert not (folder / "hw.layers").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--layers", "auto:0"], "--layers is auto:0, but auto: needs a whole number after it, 1"),
        (["--layers", "auto:-2"], "--layers is auto:-2, but auto: needs a whole number"),
        (["--layers", "auto:x"], "--layers is auto:x, but auto: needs a whole number after it"),
        (["--layers", "auto:"], "--layers is auto:, but auto: needs a whole number after it"),
        (["--layers", "auto:1,2"], "--layers is auto:1,2, but auto: needs a whole number"),
        (["--layers", "auto"], "--layers is auto, but must be a list such as 0,3,10-15"),
        (["--layers", "auto:99"], r"--layers is auto:99, but must be auto:1 to auto:3, as the"),
        (
            ["--layers", "auto:2", "--init", "ranges"],
            "--layers auto:2 goes with --init closed-form, not ranges",
        ),
        (
            ["--layers", "auto:2", "--kind", "linear"],
            "--layers auto:2 goes with --init closed-form, not ranges",
        ),
    ],
)
def test_a_choice_that_cannot_be_is_one_sentence(folder, capsys, more, message):
    before = sorted(folder.rglob("*"))
    assert converted(folder, *more) == 2
    said = capsys.readouterr().err.strip()
    assert re.search(message, said)
    assert "\n" not in said
    assert sorted(folder.rglob("*")) == before


def test_only_auto_is_a_number_of_layers():
    assert automatic("--layers", "auto:12") == 12
    assert automatic("--layers", "0,3") is None
    assert automatic("--layers", None) is None


def test_rows_are_in_order_and_the_first_are_marked():
    order = [Sensitivity(12, (0.001,)), Sensitivity(3, (0.02, 0.04)), Sensitivity(0, (0.1,))]
    assert [line.split() for line in shown(order, 2).splitlines()[1:]] == [
        ["12", "0.00100", "converted"],
        ["3", "0.03000", "converted"],
        ["0", "0.10000"],
    ]
