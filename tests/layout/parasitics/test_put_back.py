"""Wires of drawings in a design: nothing counted twice, and what does not fit is refused."""

import json
from dataclasses import replace

import pytest

from gaincell.cli import main
from gaincell.design_file import SHIPPED
from gaincell.layout.arrays.circuit import gain_cell
from gaincell.layout.arrays.tile import draw_tile
from gaincell.layout.parasitics import cell as measured_cell
from gaincell.layout.parasitics import flow
from gaincell.layout.parasitics.cell import cell_wires
from gaincell.layout.parasitics.put_back import with_wires
from gaincell.layout.parasitics.table import before_and_after
from gaincell.spice.characterise import Effort
from gaincell.spice.design import load_design


@pytest.fixture(scope="module")
def design():
    """The shipped design's cell and driver of word lines."""
    whole = load_design("sky130")
    bodies = {name: whole.netlist.bodies[name] for name in ("cell", "line_driver")}
    return replace(whole, netlist=replace(whole.netlist, bodies=bodies))


@pytest.fixture(scope="module")
def drawn(design, process):
    return with_wires(design, process)


def farads(body, net):
    lines = [line.split() for line in body if line.startswith("cwire")]
    return sum(float(each[3]) for each in lines if net in each[1:3])


def test_the_wires_of_a_line_are_in_the_cell_or_in_the_levels(drawn):
    body, levels = drawn.design.netlist.bodies["cell"], drawn.design.levels
    rest = {"wbl": levels.row_f, "wwl": levels.write_line_f, "bl": 0.0}
    for line, more in rest.items():
        assert farads(body, line) + more == pytest.approx(drawn.keys.total_f[line], rel=0.02)
    both = farads(body, "wl") + farads(body, "wlb") + 2 * levels.line_f
    assert both == pytest.approx(drawn.keys.total_f["wl"] + drawn.keys.total_f["wlb"], rel=0.02)
    assert farads(body, "s") == pytest.approx(drawn.keys.total_f["s"], rel=1e-3)


def test_neighbours_are_seen(drawn):
    for wires in (drawn.keys, drawn.values):
        assert all(each > 0 for each in wires.total_f.values())
        assert wires.inside_f["wbl", "wlb"] > 0
        assert wires.outside_f["s", "s"] > 0
        assert 1 < wires.ohm["wl"] < 10
    beside = ("wbl", "wlb"), ("wlb", "wwl")
    keys, values = (
        [wires.inside_f[pair] for pair in beside] for wires in (drawn.keys, drawn.values)
    )
    assert keys[0] > 5 * keys[1]
    assert values[1] > 5 * values[0]


def test_transistors_have_the_junctions_that_are_drawn(drawn):
    (write,) = (line for line in drawn.design.netlist.bodies["cell"] if line.startswith("xw "))
    settings = dict(word.split("=") for word in write.split() if "=" in word)
    # a contact of 0.17, 0.055 to the gate and 0.06 beyond it, along 0.42 um
    assert float(settings["ad"]) == pytest.approx(0.42 * (0.17 + 0.055 + 0.06), rel=1e-6)
    body = drawn.design.netlist.bodies["line_driver"]
    devices = [line for line in body if line.startswith("x")]
    assert len(devices) == 10
    assert all(" ad=" in line for line in devices)
    assert all(farads(body, net) > 1e-15 for net in ("a", "b", "c", "d", "wl", "wlb"))


def test_another_drawing_is_refused(design, process, monkeypatch):
    circuit = gain_cell(design, process)

    def wider(own, process, dims, tokens):
        write = replace(own.write, width=own.write.width + 100)
        return draw_tile(replace(own, write=write), process, dims, tokens)

    monkeypatch.setattr(measured_cell, "draw_tile", wider)
    with pytest.raises(ValueError, match="has not the circuit of the design's netlist"):
        cell_wires(circuit, process)


@pytest.mark.needs("ngspice", "freepdk45")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--design", "freepdk45"], "is at 45 nm, but only sky130 at 130 nm is drawn"),
        (["--design", "freepdk45", "--layout", "none/t.md"], "none"),
        (["--data", "."], "--layout is of designs, but --data has measurements"),
    ],
)
def test_wrong_input_is_one_sentence(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    assert main(["characterise", "--layout", "t.md", "-o", "r.json", *words]) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert not list(tmp_path.iterdir())


@pytest.mark.needs("ngspice", "sky130")
def test_a_cell_with_its_wires_is_read_and_written(design, drawn):
    from gaincell.spice.measure.charges import charges

    before, after = (charges(each, [0.42, 0.96], [8.0]) for each in (design, drawn.design))
    assert before.charge_c[0, 0] < 0 < before.charge_c[1, 0]
    assert after.charge_c == pytest.approx(before.charge_c, rel=0.1)
    assert abs(after.charge_c - before.charge_c).max() > 1e-17
    assert after.line_j[0] > before.line_j[0]


@pytest.mark.needs("ngspice", "sky130")
def test_a_driver_meets_the_resistance_of_its_lines(design, drawn):
    from gaincell.spice.measure.line_driver import line_drive

    before, after = line_drive(design), line_drive(drawn.design)
    assert after.energy_j > before.energy_j
    longer = line_drive(drawn.design.at(line_ohm=40 * drawn.design.levels.line_ohm))
    assert longer.longer_complement_s != pytest.approx(after.longer_complement_s, abs=1e-12)


def test_the_table_has_both_and_says_what_has_no_result(design, drawn):
    before = json.loads((SHIPPED / "sky130.json").read_text())
    after = before | {"score": None, "reports": ["score converter: it failed"]}
    text = before_and_after(design, drawn, before, after)
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    shown = {name: each for name, *each in rows}
    assert shown["polynomial leaves, %"][0] == shown["polynomial leaves, %"][1]
    slope = shown["score converter, slope, ps per fC"]
    assert slope[1] == "no result"
    assert float(slope[0]) > 0
    given, found = shown["word line per cell, fF: keys / values"]
    keys, values = map(float, found.split(" / "))
    assert float(given) < min(keys, values)
    assert "*No result after layout:* score converter: it failed." in text


@pytest.mark.parametrize(("seed", "simulated"), [(1, 1), (2, 2)])
def test_what_is_shipped_is_not_simulated_again(design, drawn, monkeypatch, seed, simulated):
    shipped = json.loads((SHIPPED / "sky130.json").read_text())
    named = replace(design, sha256=shipped["design"]["sha256"])
    done = []

    def characterise(each, effort, seed, say):
        done.append(each)
        return dict(shipped)

    monkeypatch.setattr(flow, "characterise", characterise)
    record, text = flow.characterise_drawn(named, drawn, Effort(), seed, print)
    assert len(done) == simulated
    assert done[-1] is drawn.design
    layout = json.loads(json.dumps(record))["layout"]
    assert layout["keys"]["inside_f"]["wbl wlb"] > 0
    assert layout["parts_f"]["line_driver"]["wl"] > 0
    assert text.startswith("| figure | before layout | after layout |")
