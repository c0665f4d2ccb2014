"""Liberty in all spellings that some tool takes, and one spelling for all of them."""

import re

import pytest

from gaincell.synth.library.liberty_file import NotALibrary, load_library
from gaincell.synth.library.liberty_text import parse, write

SPELLINGS = {
    "Windows": lambda text: text.replace("\n", "\r\n"),
    "old Mac": lambda text: text.replace("\n", "\r"),
    "one line": lambda text: re.sub(r"\s*\n\s*", " ", re.sub(r"(?s)/\*.*?\*/", "", text)),
    "tabs": lambda text: text.replace("  ", "\t"),
    "brace on its own line": lambda text: text.replace(") {", ")\n{"),
    "byte order mark": lambda text: "\ufeff" + text,
    "a comment before": lambda text: "/* made */ " + text,
    "comments inside": lambda text: text.replace("area :", "area /* { */ : // } \n"),
    "no semicolons": lambda text: re.sub(r";\s*\n", "\n", text),
    "quotes": lambda text: re.sub(r"(cell|pin) \((\w+)\)", r'\1 ("\2")', text),
    "backslashes": lambda text: text.replace("_unit (", "_unit \\\n  (").replace(
        '", "', '", \\\n "'
    ),
    "brackets": lambda text: text.replace("area : 0.5;", "area : (0.5);"),
    "capital keywords": lambda text: text.replace("area :", "AREA :").replace("cell (", "CELL ("),
    "an attribute of the vendor": lambda text: text.replace(
        "area : 0.5;", 'define (note, cell, string); note : "a {b}; c"; area : 0.5;'
    ),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_spelling_does_not_matter(small, small_file, tmp_path, spelling):
    text = SPELLINGS[spelling](small_file.read_text())
    assert text != small_file.read_text()
    path = tmp_path / "spelled.lib"
    path.write_bytes(text.encode())
    library = load_library(path)
    note = '      note : "a {b}; c";\n'.replace("      ", "    ")
    assert library.text.replace(note, "") == small.text
    assert library.cautions == ()


def test_what_is_written_is_read_as_it_was(small):
    (library,) = parse(small.text)
    assert write(library) == small.text


def test_utf_16_is_read(small, small_file, tmp_path):
    path = tmp_path / "wide.lib"
    path.write_text(small_file.read_text(), encoding="utf-16")
    assert load_library(path).text == small.text


def test_includes_a_file_that_lies_beside(small, small_file, tmp_path):
    text = small_file.read_text()
    start = text.index("  cell (NAND2)")
    end = text.index("  cell (", start + 10)
    (tmp_path / "nand.inc").write_text(text[start:end])
    path = tmp_path / "whole.lib"
    path.write_text(f'{text[:start]}include_file ("nand.inc");\n{text[end:]}')
    assert load_library(path).text == small.text
    (tmp_path / "nand.inc").write_text("include_file (nand.inc);")
    with pytest.raises(NotALibrary, match=r"nand\.inc includes itself"):
        load_library(path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("library (x) { cell (A) { area : ", "line 1: the text ends inside of cell (A) of line 1"),
        ("library (x) {\n}\n}", 'line 3: a "}" has no "{"'),
        ("library (x) {\n area ; }", 'line 2: "area" is followed by ";"'),
        ('library (x) {\n note : "no end; }', "line 2: a string has no end"),
        ("library (x) {\n /* no end }", "line 2: a comment has no end"),
        ("library (x) {\n pin (A { } }", 'line 2: a "(" has no ")"'),
    ],
)
def test_refuses_what_is_no_liberty_with_the_line(tmp_path, text, sentence):
    path = tmp_path / "wrong.lib"
    path.write_text(text)
    with pytest.raises(NotALibrary, match=re.escape(sentence)):
        load_library(path)
