"""Parsed libraries in the cache: used again, never trusted when damaged, never needed."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from gaincell.synth.library import liberty_file, library_cache
from gaincell.synth.library.liberty_file import NotALibrary, load_library


def same(left, right):
    """Whether two libraries, or parts of them, are equal to the last bit."""
    if dataclasses.is_dataclass(left):
        parts = [part.name for part in dataclasses.fields(left)]
        return type(left) is type(right) and all(
            same(getattr(left, name), getattr(right, name)) for name in parts
        )
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and np.array_equal(left, right)
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[name], right[name]) for name in left)
    if isinstance(left, tuple):
        return isinstance(right, tuple) and len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right


@pytest.fixture(autouse=True)
def cached_always(tmp_path, monkeypatch):
    """Every file counts as large; the cache is the test's own."""
    monkeypatch.setattr(liberty_file, "LARGE", 0)
    monkeypatch.setenv("GAINCELL_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def parses(monkeypatch):
    """Collects the files that are parsed."""
    parsed = []

    def parse(path, text, really=liberty_file._parse):
        parsed.append(path.name)
        return really(path, text)

    monkeypatch.setattr(liberty_file, "_parse", parse)
    return parsed


def entries(tmp_path):
    return sorted((tmp_path / "cache").iterdir())


def test_second_reading_gives_the_same_library_without_parsing(small_file, tmp_path, parses):
    said = []
    first = load_library(small_file, said.append)
    assert said[0] == "reading small.lib, 0 MB ..."
    assert said[1].endswith(" s; kept for the next run")
    second = load_library(small_file, said.append)
    assert parses == ["small.lib"]
    assert len(said) == 2
    assert same(first, second)
    (entry,) = entries(tmp_path)
    assert entry.name.startswith("liberty-")


def test_small_files_are_read_in_silence_and_not_kept(small_file, tmp_path, monkeypatch):
    monkeypatch.setattr(liberty_file, "LARGE", 1_000_000)
    said = []
    load_library(small_file, said.append)
    assert said == []
    assert not (tmp_path / "cache").exists()


def test_another_content_another_name_and_another_parser_are_read_again(
    small_file, tmp_path, parses, monkeypatch
):
    load_library(small_file)
    changed = tmp_path / "small.lib"
    changed.write_text(small_file.read_text().replace("area : 0.5", "area : 0.25"))
    assert load_library(changed).cells["INV"].area_um2 == 0.25
    renamed = tmp_path / "sky130.lib"
    renamed.write_text(small_file.read_text())
    assert load_library(renamed).node_nm == 130
    assert load_library(small_file).node_nm is None
    assert parses == ["small.lib", "small.lib", "sky130.lib"]
    monkeypatch.setattr(library_cache, "_parser", lambda: "a later one")
    load_library(small_file)
    assert len(parses) == 4
    assert len(entries(tmp_path)) == 4


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: b"",
        lambda data: data.replace(b"0.5", b"0.6"),
        lambda data: b"\xff" + data,
        lambda data: data.partition(b"\n")[0] + b"\n{}",
    ],
    ids=["cut", "empty", "changed", "no text", "another object"],
)
def test_a_damaged_entry_is_read_again_and_replaced(damage, small_file, tmp_path, parses):
    first = load_library(small_file)
    (entry,) = entries(tmp_path)
    whole = entry.read_bytes()
    entry.write_bytes(damage(whole))
    assert same(load_library(small_file), first)
    assert len(parses) == 2
    assert entry.read_bytes() == whole
    assert entries(tmp_path) == [entry]


@pytest.mark.parametrize("place", ["/proc/nowhere", "{tmp}/file", "{tmp}/file/below"])
def test_a_cache_that_cannot_be_written_does_not_matter(
    place, small_file, tmp_path, parses, monkeypatch
):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GAINCELL_CACHE", place.format(tmp=tmp_path))
    said = []
    for _ in range(2):
        assert load_library(small_file, said.append).cells
    assert len(parses) == 2
    assert not [line for line in said if "kept" in line]


def test_a_user_without_a_home_can_read_a_library(small_file, parses, monkeypatch):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("GAINCELL_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    assert load_library(small_file).cells
    assert parses == ["small.lib"]


def test_a_file_that_is_no_library_is_not_kept(tmp_path):
    wrong = tmp_path / "wrong.lib"
    wrong.write_text("library (x) { cell (A) { area : ")
    with pytest.raises(NotALibrary):
        load_library(wrong)
    assert not (tmp_path / "cache").exists()
