"""``gaincell floorplan``: its folder, its numbers, and what it says to wrong inputs."""

import json

import pytest

from gaincell.cli import main
from gaincell.layout.deck import DeckResult
from gaincell.layout.floorplan.figures import Checks
from gaincell.layout.klayout import db

TINY = {"head_dim": 8, "window": 16, "columns": 4}


@pytest.fixture
def control(tmp_path):
    """A stand-in for a folder of ``gaincell layout``: one square of 100 um off the origin."""
    folder = tmp_path / "control"
    folder.mkdir()
    layout = db().Layout()
    layout.dbu = 1e-3
    cell, top = layout.create_cell("a_cell"), layout.create_cell("gaincell_head")
    cell.shapes(layout.layer(68, 20)).insert(db().Box(0, 0, 100_000, 100_000))
    top.insert(db().CellInstArray(cell.cell_index(), db().Trans(-3000, 2000)))
    layout.write(str(folder / "head.gds"))
    (folder / "metrics.json").write_text(json.dumps({"config": TINY}))
    return folder


def test_a_head_is_in_one_file(tmp_path, control, monkeypatch, capsys):
    monkeypatch.delenv("PDK_ROOT", raising=False)
    output = tmp_path / "head"
    words = ["floorplan", "--config", "tiny", "--control", str(control), "-o", str(output)]
    assert main(words) == 0
    metrics = json.loads((output / "metrics.json").read_text())
    layout = db().Layout()
    layout.read(str(output / "head.gds"))
    box = layout.top_cell().bbox()
    assert (box.left, box.bottom) == (0, 0)
    assert (box.right / 1e3, box.top / 1e3) == (metrics["width_um"], metrics["height_um"])
    places = {each.cell.name: each.bbox() for each in layout.top_cell().each_inst()}
    assert places.keys() == {"gaincell_arrays", "gaincell_head"}
    placed, arrays = places["gaincell_head"], places["gaincell_arrays"]
    assert (placed.width(), placed.height(), placed.bottom) == (100_000, 100_000, 0)
    assert placed.top < arrays.bottom
    parts = metrics["parts"]
    assert parts["digital control"] == {
        "count": 1,
        "um2": 10_000,
        "low_um2": None,
        "high_um2": None,
        "one_um": None,
        "state": "placed",
        "why": "",
    }
    assert parts["DAC selectors"]["count"] == 16
    converters = parts["score converters"]
    width, height = converters["one_um"]
    assert converters["state"] == "drawn"
    assert converters["um2"] == pytest.approx(converters["count"] * width * height, abs=0.1)
    assert 0 < converters["low_um2"] < converters["high_um2"]
    references = parts["references"]
    assert references["state"] == "estimated, not drawn"
    assert references["um2"] == pytest.approx(references["high_um2"], rel=0.01)
    assert references["why"].startswith("iref of subcircuit references")
    taken = sum(part["um2"] for part in parts.values())
    assert metrics["um2"] == pytest.approx(metrics["width_um"] * metrics["height_um"], abs=0.1)
    assert metrics["free_um2"] == pytest.approx(metrics["um2"] - taken, abs=0.2)
    shrunk = metrics["um2"] * (28 / 130) ** 2 / 1e6
    assert metrics["mm2_28nm"] == pytest.approx(shrunk, abs=1e-4)
    assert metrics["mm2_28nm_capacitors_kept"] > metrics["mm2_28nm"]
    assert metrics["violations"] == {}
    assert (metrics["too_near"], metrics["other_circuits"], metrics["deck"]) == (0, [], None)
    assert (output / "head.png").read_bytes().startswith(b"\x89PNG")
    said = capsys.readouterr().out
    assert "the paper's has 0.5 mm2" in said
    assert "estimated, not drawn" in said
    assert "references: iref of subcircuit references" in said


def test_a_found_error_ends_with_status_1(tmp_path, control, monkeypatch, capsys):
    found = Checks({"m1.1": 2}, 3, ["DAC selectors"], DeckResult(4, 264))
    monkeypatch.setattr("gaincell.layout.floorplan.flow.check_arrays", lambda *_: found)
    monkeypatch.delenv("PDK_ROOT", raising=False)
    output = tmp_path / "head"
    words = ["floorplan", "--config", "tiny", "--control", str(control), "-o", str(output)]
    assert main(words) == 1
    said = capsys.readouterr().out
    assert "m1.1 2" in said
    assert "in 3 places parts overlap" in said
    assert "4 violations of 264 kinds" in said
    assert "NOT those of design sky130: DAC selectors" in said


@pytest.mark.parametrize(
    ("change", "words", "message"),
    [
        ("", ["--control", "nowhere"], "control nowhere is no folder of gaincell layout"),
        ("", ["--config", "gpt2"], 'is of another config: {"head_dim": 8'),
        ("gds", [], "has no head.gds"),
        ("", ["--design", "freepdk45"], "is at 45 nm, but process sky130"),
        ("", ["-o", "control"], "--output is control, but --control names that too"),
        ("broken", [], "cannot be read"),
    ],
)
def test_wrong_input_is_one_sentence(
    tmp_path, control, monkeypatch, capsys, change, words, message
):
    if change == "gds":
        (control / "head.gds").unlink()
    if change == "broken":
        (control / "head.gds").write_text("no GDS")
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    given = ["floorplan", "--config", "tiny", "--control", "control", "-o", "head", *words]
    assert main(given) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert sorted(tmp_path.rglob("*")) == before
