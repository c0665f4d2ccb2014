"""Verdicts of a ledger, and how a ledger that is wrong is refused: small ledgers made here."""

from pathlib import Path

import pytest

from gaincell.ledger.entries import read_book
from gaincell.ledger.sources import look_up
from gaincell.ledger.verdict import Verdict, read_ledger

ROOT = Path(__file__).parents[2]

COMMAND = '[command.config]\nrun = "gaincell config gpt2"\nmakes = "parameters"\n'
HEAD = """[[entry]]
id = "latency"
topic = "Time"
what = "latency"
place = "text"
unit = "ns"
command = "config"
"""
JUDGED = 'ours = "config:latency_ns"\nbecause = "of a test"\n'


@pytest.fixture
def book(tmp_path):
    """Write a ledger of one command and ``text``, and give its path."""

    def write(text: str) -> Path:
        path = tmp_path / "ledger.toml"
        path.write_text(f"{COMMAND}\n{text}", encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("keys", "verdict"),
    [
        (f"paper = 65\ntolerance = 0.1\n{JUDGED}", Verdict.REPRODUCED),
        (f'paper = 65\ntolerance = 0.1\nbuilt = "it"\n{JUDGED}', Verdict.BUILT),
        (f'paper = 65\ntolerance = 0.05\nwhy = "it is new"\n{JUDGED}', Verdict.DIFFERS),
        (f'paper = 9\ntolerance = 0\nbuilt = "it"\nwhy = "so"\n{JUDGED}', Verdict.DIFFERS),
        ('paper = 65\nneeds = "a chip"\n', Verdict.NOT_RERUN),
        ('paper = 65\ntolerance = 0.1\nbecause = "b"\nours = 59\nprovenance = "p"\n', "reproduced"),
    ],
)
def test_verdict_follows_from_the_value(book, keys, verdict):
    (row,) = read_ledger(book(HEAD + keys)).rows
    assert row.verdict == verdict
    assert row.ours is None or row.ours.values == pytest.approx((59,))


@pytest.mark.parametrize(
    ("sense", "paper", "tolerance", "agrees"),
    [
        ("equal", 59, 0, True),
        ("equal", 50, 0.18, True),
        ("equal", 50, 0.1799, False),
        ("equal", 100, 0.41, True),
        ("equal", 100, 0.4099, False),
        ("equal", -59, 1, False),
        ("at most", 100, 0, True),
        ("at most", 59, 0, True),
        ("at most", 50, 0.18, True),
        ("at most", 50, 0.17, False),
        ("at least", 50, 0, True),
        ("at least", 100, 0.41, True),
        ("at least", 100, 0.4, False),
    ],
)
def test_tolerance_is_relative_and_includes_its_edge(book, sense, paper, tolerance, agrees):
    keys = f'paper = {paper}\nsense = "{sense}"\ntolerance = {tolerance}\n{JUDGED}'
    (row,) = read_ledger(book(HEAD + keys + ("" if agrees else 'why = "it is ours"\n'))).rows
    assert row.verdict == (Verdict.REPRODUCED if agrees else Verdict.DIFFERS)


def test_tolerance_is_relative_to_the_scale_where_there_is_one(book):
    keys = f"paper = 0\nscale = 590\ntolerance = 0.1\n{JUDGED}"
    (row,) = read_ledger(book(HEAD + keys)).rows
    assert row.off == pytest.approx(0.1)
    assert row.verdict == Verdict.REPRODUCED


def test_several_numbers_are_judged_by_the_worst(book):
    keys = 'paper = [64, 50]\nours = "config:sub_tile"\nbecause = "b"\ntolerance = 0.2\n'
    with pytest.raises(ValueError, match=r"off by 0\.28"):
        read_ledger(book(HEAD + keys))


def test_a_band_is_judged_by_its_high_end_and_marked_as_the_papers():
    found = look_up("estimate:second dot product", ROOT)
    assert found.values == pytest.approx((700,))
    assert found.low is not None
    assert found.low[0] < 20
    assert found.built


def test_sentences_show_the_numbers_they_name(book):
    keys = (
        'paper = 65\ntolerance = 0.1\nnote = "{ours} of {paper}, {twice:.1f}"\n'
        f'{JUDGED}numbers = {{ twice = "formula:2 * 3" }}\n'
    )
    (row,) = read_ledger(book(HEAD + keys)).rows
    assert row.entry.note == "59 of 65, 6.0"


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        (
            f"paper = 65\ntolerance = 0.05\n{JUDGED}",
            "[entry latency] ours is off by 0.092 of the paper's, over the tolerance of 0.05, "
            "so that why must say why it differs",
        ),
        (
            f'paper = 65\ntolerance = 0.1\nwhy = "w"\n{JUDGED}',
            "why says why it differs, but ours is within the tolerance",
        ),
        (
            'paper = 1\nours = "estimate:gain cell"\ntolerance = 0\nbecause = "b"\n',
            "built must say from which",
        ),
        (f"paper = 0\ntolerance = 0.1\n{JUDGED}", "scale must say what tolerance is relative to"),
        (f"paper = [1, 2]\ntolerance = 0\n{JUDGED}", "paper has 2 numbers, but ours 1"),
        ("paper = 65\n", "needs must say what it would take"),
        ('paper = 65\nneeds = "n"\nwhy = "w"\n', "why is given, but there is no ours"),
        (f'paper = 65\nneeds = "n"\n{JUDGED}', "needs is given, but so is ours; [entry latency] t"),
        ('paper = 65\ntolerance = 0\nbecause = "b"\nours = 65\n', "provenance must be given if"),
        ('paper = "65"\nneeds = "n"\n', 'paper is "65", but must be a number or a list of numbers'),
        ('paper = 65\nneeds = "n"\nneds = "m"\n', 'unknown key "neds" (nearest known: "needs")'),
        (f"paper = 65\ntolerance = -1\n{JUDGED}", "tolerance is -1, but must be at least 0"),
        (
            f'paper = 65\nsense = "so"\ntolerance = 0\n{JUDGED}',
            'sense is "so", but must be "equal"',
        ),
        ('paper = 65\nneeds = "{x}"\n', '"x": unknown name "x" (nearest known: "paper")'),
    ],
)
def test_entries_that_cannot_be_meant_are_refused(book, keys, sentence):
    path = book(HEAD + keys)
    with pytest.raises(ValueError, match=r"^ledger ") as caught:
        read_ledger(path)
    assert str(caught.value).startswith(f"ledger {path}: ")
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("confg:latency_ns", 'unknown source "confg" (nearest known: "config")'),
        ("config:latency", 'unknown figure "latency" (nearest known: "latency_ns")'),
        ("config:latency_ns:windw=64", 'unknown key "windw" (nearest known: "window")'),
        ("config:latency_ns:window=100", "window is 100, but must be a multiple of columns (64)"),
        ("estimate:DAC", 'unknown row "DAC" (nearest known: "DACs")'),
        ("json:none.json:a", "none.json cannot be read: No such file or directory"),
        ("json:bad.json:a", "bad.json is not valid JSON"),
        ("json:found.json:b", 'unknown key "b" (nearest known: "a")'),
        ("json:found.json:a/2/x", 'unknown position "2"'),
        ("json:found.json:a/0/x/y", '"y" follows a value that is neither a list nor an object'),
        ("json:found.json:a", "is no finite number"),
        ("table:page.md:a|b:um2", '0 cells of page.md fit "a|b" and "um2", not one'),
        ("table:page.md:a:two", '2 cells of page.md fit "a" and "two", not one'),
        ("table:page.md:a|1:word", 'the cell "none" holds no number'),
        ("tiles:rsm", 'unknown figure "rsm" (nearest known: "rms")'),
        ("ours:latncy", 'unknown entry "latncy" (nearest known: "latency")'),
        ("ours:latency", "ours goes in a circle: latency -> latency"),
        ("formula:1 / 0", '"1 / 0" has no value: division by zero'),
    ],
)
def test_sources_that_find_nothing_are_refused(book, source, sentence):
    keys = f"paper = 65\ntolerance = 0\nbecause = 'b'\nours = '{source}'\n"
    path = book(HEAD + keys)
    (path.parent / "bad.json").write_text("{")
    (path.parent / "found.json").write_text('{"a": [{"x": 59}, null]}')
    (path.parent / "page.md").write_text(
        "| x | two | word |\n|---|---|---|\n| a | 1 | none |\n| a | 2 | none |\n"
    )
    with pytest.raises(ValueError, match="latency") as caught:
        read_ledger(path)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_are_read_from_the_root(book):
    keys = "paper = 59\ntolerance = 0\nbecause = 'b'\nours = 'json:found.json:a/0/x'\n"
    path = book(HEAD + keys)
    (path.parent / "found.json").write_text('{"a": [{"x": 59}]}')
    assert read_ledger(path).rows[0].ours.values == (59,)
    elsewhere = path.parent / "docs" / "ledger.toml"
    elsewhere.parent.mkdir()
    elsewhere.write_text('root = ".."\n' + path.read_text())
    assert read_ledger(elsewhere).rows[0].ours.values == (59,)


def test_a_cell_of_a_page_is_found_by_row_and_head(tmp_path):
    (tmp_path / "page.md").write_text(
        "| lib | kind | um2, cells |\n|---|---|---|\n| N | a | 25 110 (x) |\n| N | b | -1.5e3 |\n"
    )
    assert look_up("table:page.md:N|a:um2", tmp_path).values == (25110,)
    assert look_up("table:page.md:N|b:um2", tmp_path).values == (-1500,)


def test_all_problems_of_a_file_are_said_at_once(book):
    text = HEAD + 'paper = 65\nneeds = "n"\n' + HEAD.replace('command = "config"', 'command = "c"')
    with pytest.raises(ValueError, match=r"^ledger ") as caught:
        read_book(book(f"{text}paper = 1\nneeds = 'n'\n[commands.x]\n"))
    message = str(caught.value)
    assert 'unknown key "commands" (nearest known: "command")' in message
    assert '[entry latency] unknown command "c" (nearest known: "config")' in message
    assert 'id "latency" is used twice' in message


def test_a_contradiction_that_adds_up_is_refused(book):
    text = """[[contradiction]]
id = "sum"
what = "a sum"
place = "text"
arithmetic = ["{a} + {a} = {a + a}"]
holds = "a + a > 5"
so = "so"
numbers = { a = 2 }
"""
    with pytest.raises(ValueError, match=r'\[contradiction sum\] "a \+ a > 5" is not true'):
        read_ledger(book(text))
    (found,) = read_ledger(book(text.replace("> 5", "< 5"))).contradictions
    assert found.arithmetic == ("2 + 2 = 4",)
