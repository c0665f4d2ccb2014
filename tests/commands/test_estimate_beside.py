"""``gaincell estimate`` with recent tokens and maps beside the arrays, as a user types it."""

import json
from pathlib import Path
from typing import Any

import pytest

from gaincell import cli

PAGE = Path(__file__).parents[2] / "docs" / "do" / "estimate.md"
COMMAND = ["estimate", "--config", "gpt2"]


def printed_by(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main([*COMMAND, *arguments]) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that a refused command leaves."""
    assert cli.main([*COMMAND, *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert len(lines) == 1
    return lines[0].removeprefix("gaincell: ")


def model_of(folder: Path, **changes: Any) -> Path:
    """A folder with config.json of a converted model, as SmolLM2's is but for ``changes``."""
    table = {
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "hidden_size": 576,
        "gaincell": {
            "head": {},
            "kinds": ["hardware", "hardware", "stock"],
            "maps": [0, 1],
            "recent": 16,
        },
    }
    (folder / "config.json").write_text(json.dumps(table | changes))
    return folder


def rows_of(printed: str) -> list[str]:
    return [" ".join(line.split()) for line in printed.splitlines()]


def test_without_options_prints_what_the_page_shows(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = PAGE.read_text(encoding="utf-8").split("```\n")
    shown = next(block for block in blocks if block.startswith("  digital part "))
    assert printed_by(capsys) == shown


def test_no_recent_tokens_change_no_byte(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain, nothing = tmp_path / "plain.json", tmp_path / "nothing.json"
    printed = printed_by(capsys, "-o", str(plain))
    options = ("--recent", "0", "--sharing", "3")
    assert printed_by(capsys, *options, "-o", str(nothing)) == printed
    assert nothing.read_bytes() == plain.read_bytes()


def test_tables_rows_and_json_tell_ours_with_it_from_ours_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "estimate.json"
    plain = rows_of(printed_by(capsys))
    rows = rows_of(printed_by(capsys, "--recent", "16", "-o", str(output)))
    assert [row for row in plain if row not in rows] == []
    assert "multiply-accumulates 318..463.4 pJ, estimated" in rows
    assert "multiply-accumulates 14066..14718 um2, estimated" in rows
    assert [row for row in rows if row.startswith("12 heads, with 16 recent tokens ")]
    assert (
        "latency, with 16 recent tokens ns 65 67 1.03 "
        "estimated: what is beside the arrays is not synthesized"
    ) in rows
    assert [row for row in rows if row.startswith("Note: 16 recent tokens beside the arrays: est")]
    stored = json.loads(output.read_text())
    assert stored["beside"]["counts"]["products"] == 2433
    names = [row["name"] for row in stored["paper"]]
    assert {"head", "head, with 16 recent tokens"} <= set(names)


def test_a_converted_model_tells_its_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = model_of(tmp_path)
    told = rows_of(printed_by(capsys, "--model", str(folder)))
    typed = rows_of(printed_by(capsys, "--recent", "16", "--maps", "--sharing", "3"))
    source = f"beside 16 recent tokens and maps: {folder}, 2 of its 3 layers"
    assert source in told
    told.remove(source)
    typed.remove("beside 16 recent tokens and maps")
    assert told == typed


def test_a_model_with_shared_keys_tells_that_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = {"head": {}, "kinds": ["hardware"], "maps": [0], "recent": 16, "shared": True}
    folder = model_of(tmp_path, gaincell=saved)
    told = rows_of(printed_by(capsys, "--model", str(folder)))
    options = ("--recent", "16", "--maps", "--sharing", "3", "--shared-keys")
    typed = rows_of(printed_by(capsys, *options))
    assert f"beside 16 recent tokens and maps shared by 3: {folder}, 1 of its 1 layers" in told
    assert "array one for 3 query heads, which read it in turn: a token every 96 ns" in told
    assert told[8:] == typed[8:]


def test_digital_heads_of_a_model_have_a_row_of_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is a buffer of as many tokens as others have in theirs and in the arrays."""
    saved = {"head": {}, "kinds": ["hardware"] * 2, "maps": [0, 1], "recent": 16}
    saved["digital"] = [[0, 4], [1, 2], [1, 8]]
    model, output = str(model_of(tmp_path, gaincell=saved)), tmp_path / "estimate.json"
    told = rows_of(printed_by(capsys, "--model", model, "-o", str(output)))
    (row,) = (row for row in told if row.startswith("digital heads "))
    assert "digital heads 3 of 18, without arrays, each with a buffer of 1040 tokens: " in row
    own = json.loads(output.read_text())["beside"]["digital_head"]
    printed_by(capsys, "--recent", "1040", "-o", str(output))
    alone = json.loads(output.read_text())["beside"]
    assert own == {name: alone[name] for name in own}


def test_a_model_without_maps_has_nothing_beside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = model_of(tmp_path, gaincell={"head": {}, "kinds": ["hardware"]})
    assert printed_by(capsys, "--model", str(folder)) == printed_by(capsys)


def test_older_names_of_a_models_sizes_are_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = {"n_head": 12, "n_embd": 768, "gaincell": {"kinds": ["hardware"], "maps": [0]}}
    (tmp_path / "config.json").write_text(json.dumps(table))
    rows = rows_of(printed_by(capsys, "--model", str(tmp_path)))
    assert f"beside maps: {tmp_path}, 1 of its 1 layers" in rows


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--recent", "-1"], "--recent is -1, but must be at least 0"),
        (["--recent", "65537"], "--recent is 65537, but must be at most 65536"),
        (["--sharing", "0"], "--sharing is 0, but must be at least 1"),
        (
            ["--model", "nowhere"],
            "model nowhere is no folder with config.json, so not a converted model",
        ),
        (
            ["--model", "nowhere", "--recent", "4"],
            "--model tells what --recent is: give one of them",
        ),
        (["--model", "nowhere", "--maps"], "--model tells what --maps is: give one of them"),
        (
            ["--model", "n", "--shared-keys"],
            "--model tells what --shared-keys is: give one of them",
        ),
        (["--model", "n", "--recent", "0"], "--model tells what --recent is: give one of them"),
    ],
)
def test_refuses_bad_options(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(capsys, *arguments) == sentence


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"gaincell": None},
            " was not converted: its config.json has no table gaincell with kinds",
        ),
        ({"gaincell": {"kinds": 3}}, " was not converted: its config.json has no table gaincell"),
        ({"gaincell": {"kinds": [], "maps": 1}}, ": maps is 1, but must be a list of layers"),
        (
            {"gaincell": {"kinds": [], "maps": [0], "recent": -2}},
            ": recent is -2, but must be 0..65536",
        ),
        (
            {"gaincell": {"kinds": [], "maps": [0], "recent": 2, "digital": 3}},
            ": digital is 3, but must be a list of heads",
        ),
        (
            {"gaincell": {"kinds": [], "maps": [0], "shared": 3}},
            ": shared is 3, but must be true or false",
        ),
        ({"num_attention_heads": None}, ": num_attention_heads is None, but must be a whole numb"),
        ({"hidden_size": "a"}, ': hidden_size is "a", but must be a whole number above 0'),
        ({"num_key_value_heads": 2}, " has 9 query heads, no multiple of its 2 key and value head"),
        ({"head_dim": 32}, " has heads of 32 dimensions, but the config's have 64"),
    ],
)
def test_refuses_a_model_that_is_none(
    changes: dict[str, Any], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, "--model", str(model_of(tmp_path, **changes)))
    assert said.startswith(f"model {tmp_path}{sentence}")


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff"])
def test_refuses_a_config_that_is_no_table(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.json").write_bytes(content)
    assert refused(capsys, "--model", str(tmp_path)).startswith(f"model {tmp_path}")
