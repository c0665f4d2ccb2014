"""Input of ``gaincell cosim`` that is refused before anything is built or written."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gaincell.behavioral.tokens import load_tokens, random_tokens, shipped_tokens
from gaincell.cli import main
from gaincell.config import PRESETS

TINY = PRESETS["tiny"]
Arrays = dict[str, NDArray[Any]]


def good(tokens: int = 5) -> Arrays:
    return random_tokens(tokens, TINY, np.random.default_rng(0)).arrays()


def changed(name: str, array: NDArray[Any]) -> Arrays:
    return good() | {name: array}


def with_code(name: str, code: int) -> Arrays:
    arrays = good()
    arrays[name][3, 2] = code
    return arrays


def without(name: str) -> Arrays:
    return {key: array for key, array in good().items() if key != name}


BAD_INPUTS: dict[str, tuple[Arrays, str]] = {
    "missing key": (without("k"), "lacks the array k"),
    "wrong width": (changed("k", np.zeros((5, 7), int)), "k has shape (5, 7), but must be (5, 8)"),
    "wrong length": (changed("v", np.zeros((4, 8), int)), "v has shape (4, 8), but must be (5, 8)"),
    "one dimension": (changed("q", np.zeros(8, int)), "q has shape (8,), but must be (tokens, 8)"),
    "floats": (changed("q", np.zeros((5, 8))), "q is float64, but must be an integer array"),
    "NaN": (changed("v", np.full((5, 8), np.nan)), "v is float64, but must be an integer array"),
    "times": (changed("q", np.zeros((5, 8), "m8[s]")), "q is timedelta64[s], but must be"),
    "text": (changed("k", np.full((5, 8), "1")), "k is <U1, but must be an integer array"),
    "too large": (with_code("q", 16), "q[3, 2] is 16, but codes must be 0..15"),
    "negative": (with_code("k", -1), "k[3, 2] is -1, but codes must be 0..7"),
    "empty": ({name: array[:0] for name, array in good().items()}, "it holds no tokens"),
    "flags": (changed("first", np.full(5, 2)), "first must hold only 0 and 1"),
    "flags' length": (
        changed("first", np.zeros(4, bool)),
        "first has shape (4,), but must be (5,)",
    ),
}


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["cosim", "--config", "tiny", *arguments]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    return lines[0]


@pytest.mark.parametrize("fault", BAD_INPUTS)
def test_refuses_bad_arrays(fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arrays, sentence = BAD_INPUTS[fault]
    source, output = tmp_path / "in.npz", tmp_path / "out.npz"
    np.savez(source, **arrays)
    message = refused(["--input", str(source), "--output", str(output)], capsys)
    assert message.startswith(f"gaincell: input {source}")
    assert sentence in message
    assert [path.name for path in tmp_path.iterdir()] == ["in.npz"]


def test_refuses_a_truncated_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in.npz"
    np.savez_compressed(source, **good(500))
    whole = source.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        source.write_bytes(whole[:length])
        assert "is not a complete npz file" in refused(["--input", str(source)], capsys)


def test_refuses_damaged_contents(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in.npz"
    np.savez_compressed(source, **good(500))
    damaged = bytearray(source.read_bytes())
    damaged[200:260] = bytes(60)
    source.write_bytes(damaged)
    assert f"input {source} cannot be read: Error -3 while decompressing" in refused(
        ["--input", str(source)], capsys
    )


def header(text: str, version: bytes = b"\x01\x00") -> bytes:
    """An npy file that is nothing but its header."""
    line = f"{text}\n".encode()
    size = len(line).to_bytes(2 if version[0] == 1 else 4, "little")
    return b"\x93NUMPY" + version + size + line


ONE = "{'descr': '<i8', 'fortran_order': False, 'shape': (%s,), }"
ODD_MEMBERS = {
    "another version": (header(ONE % 5, b"\x09\x00"), "we only support format version (1,0)"),
    "long header": (header(ONE % 5 + " " * 20000), "Header info length"),
    "more than memory": (header(ONE % 10**15), "a header promises a larger array than"),
    "more than numbers": (header(ONE % 10**30), "cannot be read: "),
    "negative": (header(ONE % -5), "cannot be read: "),
    "code": (header("__import__('os')"), "cannot be read: "),
    "short": (header(ONE % 40) + bytes(8), "cannot be read: EOF: reading array data"),
    "no array": (b"hello", "q is bytes, but must be an integer array"),
}


def zipped(path: Path, member: bytes) -> Path:
    """A npz file whose array q is ``member``."""
    np.savez(path, **without("q"))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("q.npy", member)
    return path


@pytest.mark.parametrize("fault", ODD_MEMBERS)
def test_refuses_odd_headers(
    fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    member, sentence = ODD_MEMBERS[fault]
    assert sentence in refused(["--input", str(zipped(tmp_path / "in.npz", member))], capsys)


def patched(path: Path, local: int, central: int, value: int) -> Path:
    """``path`` with 16 bits changed in both headers of its last member."""
    data = bytearray(path.read_bytes())
    for signature, place in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
        start = data.rindex(signature) + place
        data[start : start + 2] = value.to_bytes(2, "little")
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("places", "sentence"),
    [
        ((8, 10, 9), "q.npy is compressed by method 9 of zip, but Python knows deflate"),
        ((8, 10, 93), "q.npy is compressed by method 93 of zip"),
        ((6, 8, 1), "File 'q.npy' is encrypted"),
        ((6, 8, 32), "compressed patched data"),
    ],
)
def test_refuses_what_zip_allows_and_python_does_not(
    places: tuple[int, int, int], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = zipped(tmp_path / "in.npz", header(ONE % 0))
    assert sentence in refused(["--input", str(patched(source, *places))], capsys)


def test_refuses_a_small_file_that_unpacks_to_a_large_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gaincell.behavioral.tokens.MOST_BYTES", 1 << 20)
    source = zipped(tmp_path / "in.npz", header(ONE % (1 << 18)) + bytes(1 << 21))
    assert source.stat().st_size < 1 << 14
    assert "bytes, but at most 1048576 are read" in refused(["--input", str(source)], capsys)


def test_refuses_a_pickle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in.npz"
    np.savez(source, **changed("q", np.array([[None] * 8] * 5, dtype=object)))
    assert "cannot be read: Object arrays cannot be loaded" in refused(
        ["--input", str(source)], capsys
    )


def test_refuses_a_file_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "in.npz"
    assert refused(["--input", str(missing)], capsys) == f"gaincell: input {missing} is not a file"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "give --input, or --tokens for random tokens"),
        (
            ["--tokens", "3", "--simulator", "icarus", "--waves", "out.vcd"],
            "--waves is out.vcd, but Icarus Verilog writes .fst here",
        ),
        (["--tokens", "0"], "--tokens is 0, but must be at least 1"),
        (["--tokens", "1" + "0" * 20], "but must be at most 2147483647"),
        (["--tokens", "3", "--seed", "1" + "0" * 20], "but must be at most 9223372036854775807"),
        (["--tokens", "3", "--idle", "1" + "0" * 20], "but must be 0..65535 cycles"),
        (["--tokens", "3", "--memory-wait", "1" + "0" * 20], "but must be at most 2147483647"),
        (["--tokens", "3", "--seed", "-1"], "--seed is -1, but must be at least 0"),
        (["--tokens", "3", "--waves", "out.txt"], "--waves is out.txt, but its name must end in"),
        (
            ["--tokens", "3", "--output", "/nowhere/o.npz"],
            "output /nowhere/o.npz cannot be written",
        ),
    ],
)
def test_refuses_bad_options(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sentence in refused(arguments, capsys)


def test_refuses_more_tokens_than_the_file_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in.npz"
    np.savez(source, **good())
    message = refused(["--input", str(source), "--tokens", "6"], capsys)
    assert "it holds 5 tokens, fewer than the 6 asked for" in message


def test_takes_the_first_tokens_and_ignores_other_arrays(tmp_path: Path) -> None:
    source = tmp_path / "in.npz"
    arrays = good()
    np.savez(source, **arrays, note=np.array(["made for a test"]))
    tokens = load_tokens(source, TINY, 3)
    assert len(tokens) == 3
    for name, array in tokens.arrays().items():
        assert (array == arrays[name][:3]).all()
    assert tokens.first.tolist() == [True, False, False]


def test_ships_tokens_that_wrap_the_ring() -> None:
    config = PRESETS["gpt2"]
    assert len(shipped_tokens(config)) > config.window


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--idle", "-1"], "--idle is -1, but must be 0..65535 cycles"),
        (["--idle", "65536"], "--idle is 65536, but must be 0..65535 cycles"),
        (["--memory-wait", "-2"], "--memory-wait is -2, but must be at least 0"),
    ],
)
def test_refuses_impossible_waits(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sentence in refused(["--tokens", "3", *arguments], capsys)


def test_refuses_tokens_without_queries(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in.npz"
    np.savez(source, **changed("q", np.zeros((5, 0, 8), int)))
    message = refused(["--input", str(source)], capsys)
    assert "q has shape (5, 0, 8), but a token must have at least one query" in message
