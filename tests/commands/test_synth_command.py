import json
import stat

import numpy as np
import pytest

from gaincell.cli import main
from gaincell.config import HeadConfig
from gaincell.synth.library.generic import write_generic

SMALL = "head_dim = 3\nwindow = 4\ncolumns = 2\n"


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


def test_estimates_without_a_library(config, tmp_path, capsys):
    folder = tmp_path / "run"
    assert main(["synth", "--config", config, "-o", str(folder), "--tokens", "0", "--prove"]) == 0
    printed = capsys.readouterr().out
    assert "ESTIMATE from transistor counts at 45 nm" in printed
    assert "proved at" in printed
    metrics = metrics_of(folder)
    assert metrics["config"] == {"head_dim": 3, "window": 4, "columns": 2}
    assert metrics["library"]["estimate"] is True
    area = metrics["area"]
    assert area["transistors"] == round(area["cells_um2"] / 0.8 * 4)
    assert sum(part["flops"] for part in area["by_block"].values()) == area["flops"]
    parts_um2 = sum(part["area_um2"] for part in area["by_block"].values())
    assert parts_um2 == pytest.approx(area["cells_um2"], abs=0.1)
    assert metrics["power"] is None


def test_every_step_leaves_its_command_log_and_metrics(config, tmp_path):
    folder = tmp_path / "run"
    assert main(["synth", "--config", config, "-o", str(folder), "--tokens", "0", "--prove"]) == 0
    steps = sorted(path.name for path in folder.iterdir() if path.is_dir())
    assert steps == ["1-verilog", "2-netlist", "3-timing", "4-equivalence"]
    assert all((folder / step / "metrics.json").is_file() for step in steps)
    for name in ("map.ys", "map.log", "netlist.v", "netlist.json", "head.v"):
        assert (folder / "2-netlist" / name).stat().st_size
    sdc = (folder / "3-timing" / "constraints.sdc").read_text()
    for line in (
        "create_clock -name clk -period 1 ",
        "set_clock_uncertainty 0.05",
        "0.1 -clock clk",
    ):
        assert line in sdc


@pytest.mark.slow
def test_power_needs_energies_and_reuses_activity(config, tmp_path, capsys):
    library = tmp_path / "with_energy.lib"
    write_generic(library)
    arc = 'function : "IQ";'
    energy = 'internal_power () { related_pin : CK; rise_power (load) { values ("2,2","2,2"); } }'
    text = library.read_text()
    assert arc in text
    library.write_text(text.replace(arc, f"{arc} {energy}"))
    run = ["synth", "--config", config, "--liberty", str(library)]
    first, second = tmp_path / "first", tmp_path / "second"
    assert main([*run, "-o", str(first), "--tokens", "8"]) == 0
    metrics = metrics_of(first)
    power = metrics["power"]
    assert metrics["gate_level"]["tokens"] == 8
    assert power["unmatched"] == 0
    assert power["internal_w"] > 0
    assert 32 <= power["cycles_per_token"] < 80
    expected_j = power["total_w"] * power["cycles_per_token"] * 1e-9
    assert metrics["energy_per_token_j"] == pytest.approx(expected_j)

    saif = first / "5-activity" / "activity.saif"
    assert main([*run, "-o", str(second), "--activity", str(saif)]) == 0
    again = metrics_of(second)
    assert again["power"]["total_w"] == pytest.approx(power["total_w"])
    assert again["power"]["cycles_per_token"] == HeadConfig().interval_cycles
    capsys.readouterr()

    bigger = tmp_path / "bigger.toml"
    bigger.write_text("head_dim = 40\nwindow = 4\ncolumns = 2\n")
    wrong = ["synth", "--config", str(bigger), "--liberty", str(library), "--activity", str(saif)]
    assert main([*wrong, "-o", str(tmp_path / "fourth")]) == 2
    assert "recorded from another netlist" in capsys.readouterr().err


def test_replaces_an_earlier_run_whole(config, tmp_path):
    folder = tmp_path / "run"
    command = ["synth", "--config", config, "-o", str(folder), "--tokens", "0"]
    assert main([*command, "--prove"]) == 0
    assert main([*command, "--no-clock-gating"]) == 0
    assert not (folder / "4-equivalence").exists()
    assert metrics_of(folder)["options"]["clock_gating"] is False


def test_finds_a_library_below_pdk_root(config, tmp_path, monkeypatch, capsys):
    place = tmp_path / "pdk/sky130A/libs.ref/sky130_fd_sc_hd/lib"
    place.mkdir(parents=True)
    write_generic(place / "sky130_fd_sc_hd__tt_025C_1v80.lib")
    monkeypatch.setenv("PDK_ROOT", str(tmp_path / "pdk"))
    folder = tmp_path / "run"
    assert main(["synth", "--config", config, "-o", str(folder), "--tokens", "0"]) == 0
    assert metrics_of(folder)["library"]["estimate"] is False
    monkeypatch.setenv("PDK_ROOT", str(tmp_path))
    assert main(["synth", "--config", config, "-o", str(folder), "--tokens", "0"]) == 2
    assert "holds none of sky130A" in capsys.readouterr().err


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
    "missing activity": (["--activity", "{tmp}/none.saif"], "is not a file"),
    "macro at an unknown node": (
        ["--memory", "macro", "--liberty", "{tmp}/somewhere.lib"],
        "needs a known density",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_refuses_in_one_sentence_and_writes_nothing(case, config, tmp_path, capsys):
    options, message = WRONG[case]
    (tmp_path / "text.lib").write_text("not a library")
    (tmp_path / "flopless.lib").write_text("library (x) { cell (A) { area : 1; } }")
    write_generic(tmp_path / "somewhere.lib")
    renamed = (tmp_path / "somewhere.lib").read_text().replace("(generic)", "(elsewhere)")
    (tmp_path / "somewhere.lib").write_text(renamed)
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


@pytest.mark.needs("user")
def test_refuses_a_folder_that_cannot_be_written(config, tmp_path, capsys):
    (tmp_path / "locked").mkdir()
    (tmp_path / "locked").chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert main(["synth", "--config", config, "-o", str(tmp_path / "locked" / "run")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_refuses_a_folder_below_a_file(config, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["synth", "--config", config, "-o", str(tmp_path / "file" / "run")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_says_which_packages_are_missing(config, tmp_path, capsys, monkeypatch):
    import gaincell.commands.synth as command

    monkeypatch.setattr(command, "find_spec", lambda name: None)
    assert main(["synth", "--config", config, "-o", str(tmp_path / "run")]) == 2
    assert "pip install 'gaincell[synth]'" in capsys.readouterr().err


def test_takes_codes_of_its_own(config, tmp_path, capsys):
    codes = {name: np.ones((4, 3), dtype=int) for name in "qkv"}
    np.savez(tmp_path / "codes.npz", **codes | {"q": codes["q"] * 99})
    options = ["--input", str(tmp_path / "codes.npz"), "-o", str(tmp_path / "run")]
    assert main(["synth", "--config", config, *options]) == 2
    assert "codes.npz" in capsys.readouterr().err
