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
            "--testbench is head.v, but must not be the same file as --output",
        ),
        (
            ["--testbench", "nowhere/tb.v"],
            "output nowhere/tb.v cannot be written: No such file or directory",
        ),
        (["--testbench", "."], "output . is a folder, but must be a file"),
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
