import sys
from pathlib import Path

import pytest

from gaincell.cli import main
from gaincell.commands.options.run_folder import check_run_folder, empty_run_folder
from gaincell.layout import klayout
from gaincell.layout.digital.placement import global_placement

LIBRARY = Path(__file__).parents[1] / "synth" / "small.lib"
REFUSALS = {
    "fill": (["--fill", "0.95"], "--fill is 0.95, but must be 0.2 to 0.85"),
    "tokens": (["--tokens", "-1"], "--tokens is -1"),
    "too many tokens": (["--tokens", "100000"], "but there are"),
    "clock": (["--clock-ns", "0.2"], "--clock-ns is 0.2, but must be above 0.25 ns"),
    "library": ([], "--liberty must name that of sky130_fd_sc_hd"),
}


@pytest.fixture(autouse=True)
def no_pdk(monkeypatch):
    monkeypatch.delenv("PDK_ROOT", raising=False)


@pytest.mark.parametrize("case", REFUSALS)
def test_layout_refuses_in_one_sentence_and_writes_nothing(case, tmp_path, capsys):
    options, reason = REFUSALS[case]
    folder = tmp_path / "run"
    assert main(["layout", "--config", "tiny", "-o", str(folder), *options]) == 2
    printed = capsys.readouterr().err
    assert reason in printed
    assert printed.count("\n") == 1
    assert not folder.exists()


def test_a_run_replaces_all_steps_of_an_earlier_one(tmp_path):
    for name in ("1-verilog", "9-files", "10-check", "12a-own"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "old").touch()
    check_run_folder(tmp_path)
    empty_run_folder(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["12a-own"]


def test_layout_says_how_to_install_coriolis(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(global_placement, "find_spec", lambda name: None)
    folder = tmp_path / "run"
    command = ["layout", "--config", "tiny", "--liberty", str(LIBRARY), "-o", str(folder)]
    assert main(command) == 3
    assert "pip install 'gaincell[layout]'" in capsys.readouterr().err
    assert not folder.exists()


def test_routing_says_how_to_install_klayout(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(global_placement, "find_spec", lambda name: True)
    monkeypatch.setitem(sys.modules, "klayout", None)
    monkeypatch.setitem(sys.modules, "klayout.db", None)
    klayout.db.cache_clear()
    folder = tmp_path / "run"
    command = ["layout", "--config", "tiny", "--route", "--liberty", str(LIBRARY)]
    assert main([*command, "-o", str(folder)]) == 3
    assert "layout needs klayout: pip install 'gaincell[layout]'" in capsys.readouterr().err
    assert not folder.exists()
