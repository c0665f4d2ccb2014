"""``gaincell tile``: its folder, its table, and what it says to wrong inputs."""

import json
import stat

import pytest

from gaincell.cli import main
from gaincell.layout.klayout import db

REPORT = """<report-database><categories><category><name>m1.2</name></category></categories>
<items>{items}</items></report-database>"""


@pytest.mark.parametrize("array", ["keys", "values"])
def test_a_tile_is_drawn_checked_and_written(tmp_path, capsys, array):
    output = tmp_path / "tile"
    assert main(["tile", "--config", "tiny", "--array", array, "-o", str(output)]) == 0
    metrics = json.loads((output / "metrics.json").read_text())
    assert metrics["violations"] == {}
    assert metrics["same_circuit"]
    assert metrics["transistors"] == 8 * 4 * 5
    assert metrics["deck"] is None
    said = capsys.readouterr().out
    assert f"{metrics['rules']} checked, none broken" in said
    assert "160 transistors" in said
    assert f"8 x 4 cells of {array}, " in said
    layout = db().Layout()
    layout.read(str(output / "tile.gds"))
    box = layout.top_cell().bbox()
    assert [box.width() / 1e3, box.height() / 1e3] == metrics["tile_um"]
    assert (output / "cell.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("items", "status"), [("", 0), ("<item/><item/>", 1)])
def test_the_official_deck_is_run_where_it_is(tmp_path, monkeypatch, capsys, items, status):
    """A stand-in for the program: it writes the report that it is told to."""
    deck = tmp_path / "sky130A" / "libs.tech" / "klayout" / "drc" / "sky130A_mr.drc"
    deck.parent.mkdir(parents=True)
    deck.write_text("rules")
    program = tmp_path / "bin" / "klayout"
    program.parent.mkdir()
    report = REPORT.format(items=items).replace("\n", "")
    program.write_text(
        "#!/bin/sh\n"
        'for word in "$@"; do case "$word" in report=*) file="${word#report=}";; esac; done\n'
        f"printf '%s' '{report}' > \"$file\"\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    monkeypatch.setenv("PDK_ROOT", str(tmp_path))
    assert main(["tile", "--config", "tiny", "-o", str(tmp_path / "tile")]) == status
    said = capsys.readouterr()
    assert f"{2 if items else 0} violations of 1 kinds" in said.out
    assert ("breaks rules" in said.err) == bool(status)
    assert json.loads((tmp_path / "tile" / "metrics.json").read_text())["deck"]["kinds"] == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--config", "tiny", "--process", "sky13"], 'process is "sky13", but must be sky130'),
        (["--config", "tiny", "--design", "none"], "none"),
        (
            ["--config", "tiny", "--design", "freepdk45"],
            "is at 45 nm, but process sky130",
        ),
        (["--config", "tiny", "-o", "."], "output . exists"),
        (["--config", "tiny", "-o", "no/tile"], "there is no folder no"),
    ],
)
def test_wrong_input_is_one_sentence(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    assert main(["tile", "-o", "tile", *words]) == 2
    said = capsys.readouterr().err
    assert message in said.splitlines()[-1]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"w_write": 0.4213}, "a size of 421.3 nm"),
        ({"w_readn": 0.3}, "breaks rules"),
    ],
)
def test_sizes_that_the_process_does_not_have(folder, tmp_path, capsys, sizes, message):
    design = folder(**sizes)
    assert main(["tile", "--config", "tiny", "--design", str(design), "-o", str(tmp_path / "t")])
    assert message in capsys.readouterr().err


def test_a_cell_of_another_kind_is_refused(folder, tmp_path, capsys):
    netlist = """.subckt cell bl wl wlb wbl wwl s vdd vss
xw wbl wwl s vss nfet w={w_write} l={l_write}
xn bl s vss vss nfet w={w_readn} l={l_read}
.ends
"""
    design = folder(netlist)
    assert main(["tile", "--config", "tiny", "--design", str(design), "-o", str(tmp_path / "t")])
    assert "cannot be drawn: besides its write transistor" in capsys.readouterr().err
    assert not (tmp_path / "t").exists()
