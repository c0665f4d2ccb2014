"""Commands as a user types them: what they print, and how they refuse."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from gaincell.cli import COLUMNS, COMMANDS, GROUPS, main, sentence
from gaincell.config import PRESETS
from gaincell.config_file import load_config


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a refused command leaves."""
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("gaincell: ")
    return lines[0].removeprefix("gaincell: ")


@pytest.mark.parametrize("preset", PRESETS)
def test_config_prints_a_file_that_loads_alike(
    preset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", preset]) == 0
    written = tmp_path / "head.toml"
    written.write_text(capsys.readouterr().out)
    assert load_config(written) == PRESETS[preset]


def test_config_says_what_follows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "gpt2"]) == 0
    printed = capsys.readouterr().out
    assert "# sub-tiles            16 of 64 columns" in printed
    assert "# initiation interval  32 cycles" in printed
    assert tomllib.loads(printed)["window"] == 1024


def test_a_reader_that_stops_early_sees_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "gaincell", "config", "gpt2"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_verilog_writes_the_module(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "head.v"
    assert main(["verilog", "--config", "tiny", "-o", str(output)]) == 0
    assert "module gaincell_head(" in output.read_text()
    assert capsys.readouterr().out.startswith(f"{output}: ")
    assert [path.name for path in tmp_path.iterdir()] == ["head.v"]


def test_verilog_follows_the_file(tmp_path: Path) -> None:
    config, output = tmp_path / "head.toml", tmp_path / "head.v"
    config.write_text('preset = "tiny"\ncolumns = 8\n')
    assert main(["verilog", "--config", str(config), "-o", str(output)]) == 0
    assert "16 tokens in 2 sub-tiles of 8 columns" in output.read_text()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("window = 100\n", "window is 100, but must be a multiple of columns (64)"),
        ("columms = 8\n", 'unknown key "columms" (nearest known: "columns")'),
        ("head_dim = 0\nsink = -1\n", "head_dim is 0, but must be at least 1; sink is -1"),
        ('head_dim = "64"\n', 'head_dim is "64", but must be a whole number'),
        ("head_dim = \n", "is not valid TOML"),
    ],
)
def test_a_bad_config_file_is_refused(
    text: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, output = tmp_path / "head.toml", tmp_path / "head.v"
    config.write_text(text)
    message = refused(["verilog", "--config", str(config), "-o", str(output)], capsys)
    assert sentence in message
    assert str(config) in message
    assert not output.exists()


def test_an_unknown_preset_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    message = refused(["verilog", "--config", "gpt3", "-o", "head.v"], capsys)
    assert message == 'config "gpt3" is neither a file nor a preset (gpt2, tiny)'


def test_a_missing_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "nowhere" / "head.v"
    message = refused(["verilog", "--config", "tiny", "-o", str(output)], capsys)
    assert message == f"output {output} cannot be written: No such file or directory"


def test_a_folder_as_output_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = refused(["verilog", "--config", "tiny", "-o", str(tmp_path)], capsys)
    assert message == f"output {tmp_path} is a folder, but must be a file"


def test_an_unknown_command_names_the_nearest_and_all(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["cosin", "--config", "tiny"])
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert 'unknown command "cosin" (nearest known: "cosim")' in said
    assert ", ".join(COMMANDS) in said


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("cosim --config tiny --tokens ten", "--tokens is ten, but must be a whole number"),
        ("synth --config tiny -o a --clock-ns x", "--clock-ns is x, but must be a number"),
        ("cosim --config tiny --transport slow", "is slow, but must be one of fast, per-ns"),
        ("cosim --config tiny --core tiny", "--core does not go with --config: give one of them"),
        ("cosim --tokens 3", "one of --config --core is needed, but none is given"),
        ("codes --heads -1:0", "--heads lacks its value; one that begins with a dash needs an equ"),
        ("tile --config tiny", "not given, but needed: --output"),
        ("cosim --config tiny --toknes=3", 'unknown option "--toknes" (nearest known: "--tokens")'),
        ("demo --seed 3", 'unknown option "--seed"; gaincell demo --help lists all options'),
        ("config gpt2 tiny", '"tiny" belongs to no option'),
        ("", "not given, but needed: command"),
    ],
)
def test_a_wrong_option_is_one_sentence_without_the_usage(
    words: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(words.split())
    assert stopped.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("gaincell: ")
    assert sentence in captured.err
    assert captured.err.endswith(" --help lists all options\n")
    assert captured.err.count("\n") == 1


def test_help_lists_every_command_once_in_its_group(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= COLUMNS
    for group, commands in GROUPS.items():
        _, _, below = printed.partition(f"\n{group}:\n")
        lines = below.partition("\n\n")[0].splitlines()
        assert [line.split()[0] for line in lines] == list(commands)
    for command in COMMANDS:
        assert len(re.findall(rf"^ +{command} ", printed, re.MULTILINE)) == 1


def test_every_command_has_a_help(capsys: pytest.CaptureFixture[str]) -> None:
    for command, (_, summary) in COMMANDS.items():
        with pytest.raises(SystemExit) as stopped:
            main([command, "--help"])
        assert stopped.value.code == 0
        printed = " ".join(capsys.readouterr().out.split())
        assert printed.startswith(f"usage: gaincell {command} [-h]")
        assert sentence(summary) in printed


@pytest.mark.parametrize("words", [["--help"], ["cosin"], ["cosim", "--help"], ["cosim"]])
def test_help_and_mistakes_load_no_large_package(words: list[str]) -> None:
    program = f"""
import sys
from gaincell.cli import main
try:
    main({words!r})
except SystemExit:
    pass
print(*sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 0
    loaded = set(run.stdout.splitlines()[-1].split())
    assert "gaincell.cli" in loaded
    assert loaded.isdisjoint(
        {"torch", "transformers", "cocotb", "matplotlib", "amaranth", "jinja2"}
    )
