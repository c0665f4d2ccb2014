"""``--core``, ``--heads`` and the table ``[core]``: what commands make of them."""

from pathlib import Path

import numpy as np
import pytest

from gaincell.behavioral.tokens import random_tokens
from gaincell.cli import main
from gaincell.config import PRESETS
from gaincell.config_file import load_config
from gaincell.core.config import CoreConfig
from gaincell.core.file import load_core

TINY = PRESETS["tiny"]
CORE = """preset = "tiny"
[core]
heads = 6
heads_per_group = 2
token_beat_bits = 32
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("core.toml").write_text(CORE)
    Path("hurried.toml").write_text(f"retention_s = 20e-6\n{CORE}refresh_beat_bits = 1\n")
    return tmp_path


def test_reads_the_core_of_a_file_and_leaves_it_alone_for_a_head() -> None:
    core = CoreConfig(head=TINY, heads=6, heads_per_group=2, token_beat_bits=32)
    assert load_core("core.toml") == core
    assert load_core("core.toml", heads=4).heads == 4
    assert load_config("core.toml") == TINY
    assert load_core("tiny") == CoreConfig(head=TINY)


def test_writes_the_verilog_of_a_core(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verilog", "--core", "core.toml", "--heads", "4", "-o", "core.v"]) == 0
    text = Path("core.v").read_text()
    assert text.startswith("// Digital control of 4 gain-cell attention heads in lock step, 2 with")
    assert "module gaincell_core(" in text
    assert "module gaincell_core_group(" in text
    assert ", module gaincell_core\n" in capsys.readouterr().out


def test_writes_a_testbench_for_whole_payloads_and_for_beats() -> None:
    files = ["-o", "core.v", "--testbench", "tb.v"]
    for arguments, beat_bits in ((["tiny", "--heads", "2"], 0), (["core.toml"], 32)):
        assert main(["verilog", "--core", *arguments, *files]) == 0
        testbench = Path("tb.v").read_text()
        assert "module gaincell_core_tb;" in testbench
        assert f"localparam TOKEN_BEAT = {beat_bits};" in testbench


def test_config_prints_the_core_that_it_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "core.toml"]) == 0
    Path("again.toml").write_text(capsys.readouterr().out)
    assert load_core("again.toml") == load_core("core.toml")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--core", "core.toml", "--heads", "5"], "heads is 5, but must be a multiple of"),
        (["--core", "tiny", "--heads", "0"], "--heads is 0, but must be at least 1"),
        (["--config", "tiny", "--heads", "2"], "--heads is 2, but means nothing without --core"),
        (
            ["--core", "hurried.toml", "--testbench", "tb.v"],
            "the 144 beats of a column do not come within its patience of 94 cycles",
        ),
        (["--core", "none.toml"], "config none.toml cannot be read"),
    ],
)
def test_refuses_options_that_do_not_fit(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verilog", *arguments, "-o", "core.v"]) == 2
    assert said in capsys.readouterr().err
    assert not Path("core.v").exists()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("[core]\nheeds = 2\n", '[core] unknown key "heeds" (nearest known: "heads")'),
        ("[core]\nhead = 2\n", '[core] unknown key "head"'),
        ("[core]\nwindow = 8\n", 'key "window" stands in [core], but must stand before it'),
        ("[core]\nheads = 1.5\n", "heads is 1.5, but must be a whole number, at least 1"),
        ("core = 3\n", "core is 3, but must be a table [core]"),
    ],
)
def test_refuses_a_wrong_table(table: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("wrong.toml").write_text(table)
    assert main(["verilog", "--core", "wrong.toml", "-o", "core.v"]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("heads", [None, (6, 2), (4, 2)])
def test_refuses_tokens_of_other_heads(
    heads: tuple[int, int] | None, capsys: pytest.CaptureFixture[str]
) -> None:
    random_tokens(3, TINY, np.random.default_rng(0), heads).save(Path("tokens.npz"))
    assert main(["cosim", "--core", "core.toml", "--input", "tokens.npz"]) == 2
    said = capsys.readouterr().err
    assert "input tokens.npz: tokens have" in said
    assert "but must have 6 in 3" in said
