"""Outputs that cannot be: over an input, two in one place, where nothing can be written."""

from pathlib import Path

import pytest

from gaincell.cli import main

CONFIG = ["--config", "head.toml"]
CASES = [
    (["verilog", *CONFIG, "-o", "head.toml"], "--output is head.toml, but --config names that too"),
    (["cosim", *CONFIG, "--input", "a", "--output", "a"], "--output is a, but --input names that"),
    (["cosim", *CONFIG, "--output", "a.vcd", "--waves", "./a.vcd"], "but --waves names that too"),
    (["ledger", "--entries", "a", "-o", "a"], "--output is a, but --entries names that too"),
    (["ledger", "--entries", "a", "-o", "b", "--json", "b"], "--output is b, but --json names"),
    (
        ["characterise", "--design", "sky130", "-o", "a.png", "--picture", "a.png"],
        "but --output na",
    ),
    (["estimate", *CONFIG, "--metrics", "a", "-o", "a"], "--output is a, but --metrics names that"),
    (["sweep", "head.toml", "-o", "head.toml"], "--output is head.toml, but the sweep file names"),
    (
        ["export", "zigzag", "--config", "gpt2", "-o", "head.toml"],
        "is a file, but must be a folder",
    ),
    (["demo", "-o", "head.toml"], "output head.toml is a file, but must be a folder"),
    (["replay", *CONFIG, "--design", "freepdk45_long", "-o", "head.toml"], "--config names that"),
    (["tile", *CONFIG, "-o", "/proc/tile"], "output /proc/tile cannot be written: No such file"),
    (["synth", *CONFIG, "-o", "/proc/run"], "output /proc/run cannot be written: No such file"),
    (["synth", *CONFIG, "-o", "head.toml/run"], "head.toml/run cannot be written: Not a dir"),
]


@pytest.mark.parametrize("case", range(len(CASES)), ids=lambda case: " ".join(CASES[case][0]))
def test_an_output_in_a_wrong_place_is_refused(
    case: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words, sentence = CASES[case]
    monkeypatch.chdir(tmp_path)
    Path("head.toml").write_text('preset = "tiny"\n')
    assert main(words) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert (captured.err.count("\n"), captured.out) == (1, "")
    assert [path.name for path in tmp_path.iterdir()] == ["head.toml"]
    assert Path("head.toml").read_text() == 'preset = "tiny"\n'


def test_a_preset_is_no_file_that_an_output_could_replace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["verilog", "--config", "tiny", "-o", "tiny"]) == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--shared-keys"], "--shared-keys is of the heads of --sharing: give 2 or more of them"),
        (["--sharing", "3"], "--sharing is 3, but means nothing without --recent or --maps"),
    ],
)
def test_what_heads_share_needs_something_to_share(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["estimate", "--config", "gpt2", *words]) == 2
    assert capsys.readouterr().err == f"gaincell: {sentence}\n"
