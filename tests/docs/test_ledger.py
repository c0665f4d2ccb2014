"""The reproduction ledger: its page, its verdicts, its arithmetic, and how it refuses."""

import importlib.util
import itertools
import json
import math
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

from gaincell import cli
from gaincell.behavioral.attention import attend
from gaincell.behavioral.tokens import shipped_tokens
from gaincell.cell import CUBIC
from gaincell.config import HeadConfig
from gaincell.ledger.arithmetic import evaluate, fill, shown
from gaincell.ledger.entries import read_book
from gaincell.ledger.page import page
from gaincell.ledger.sources import default_rows, look_up
from gaincell.ledger.tiles import moved_by_position
from gaincell.ledger.verdict import Verdict, read_ledger

ROOT = Path(__file__).parents[2]
ENTRIES = ROOT / "docs" / "evidence" / "reproduction.toml"

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


@pytest.fixture(scope="module")
def ledger():
    return read_ledger(ENTRIES)


@pytest.fixture(scope="module")
def rows(ledger):
    return {row.entry.id: row for row in ledger.rows}


@pytest.fixture(scope="module")
def contradictions(ledger):
    return {each.id: " ".join([*each.arithmetic, each.so]) for each in ledger.contradictions}


@pytest.fixture
def book(tmp_path):
    """Write a ledger of one command and ``text``, and give its path."""

    def write(text: str) -> Path:
        path = tmp_path / "ledger.toml"
        path.write_text(f"{COMMAND}\n{text}", encoding="utf-8")
        return path

    return write


# The page


def test_committed_page_is_what_the_entries_make(ledger):
    assert (ROOT / "docs" / "evidence" / "reproduction.md").read_text(encoding="utf-8") == page(
        ledger
    ), (
        "run gaincell ledger --entries docs/evidence/reproduction.toml"
        " -o docs/evidence/reproduction.md"
    )


def test_page_shows_every_entry_command_and_contradiction(ledger):
    text = page(ledger)
    assert [row for row in ledger.rows if f"| {row.entry.what} |" not in text] == []
    assert [each for each in ledger.contradictions if f"### {each.what}" not in text] == []
    assert [name for name in ledger.commands if f"| `{name}` |" not in text] == []


def test_topics_are_not_taken_up_again(ledger):
    topics = [row.entry.topic for row in ledger.rows]
    borders = sum(one != other for one, other in itertools.pairwise(topics))
    assert borders == len(set(topics)) - 1


def test_entries_name_commands_and_targets_that_exist():
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for command in read_book(ENTRIES).commands.values():
        first, second, *_ = shlex.split(command.run)
        if first == "gaincell":
            assert second in cli.COMMANDS, command.run
        elif first == "make":
            assert second in targets, command.run
        else:
            assert not command.here, f"make paper cannot tell what {command.run} is"


def test_the_papers_figures_are_those_of_the_estimate(rows):
    """Two files of the project state them: the ledger and synth/estimate/comparison.py."""
    units = {"um2": "µm²", "mm2": "mm²"}
    compared = [row for row in rows.values() if str(row.entry.ours).startswith("estimate:")]
    assert len(compared) == 8
    for row in compared:
        theirs = default_rows()[row.entry.ours.removeprefix("estimate:")]
        assert row.entry.paper == theirs.paper
        assert row.entry.unit == units.get(theirs.unit, theirs.unit)


# Verdicts


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


# Refusals


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


# Arithmetic


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2 * (a + 1) ** 2 / 4", 8.0),
        ("-a", -3.0),
        ("floor(log10(2000)) + ln(exp(1)) + abs(-1)", 5.0),
        ("max(a, 5) - min(a, 5)", 2),
        ("a >= 3", True),
    ],
)
def test_expressions_have_values(expression, value):
    assert evaluate(expression, {"a": 3}) == pytest.approx(value)


@pytest.mark.parametrize(
    "expression",
    ["", "a +", "b", "a.b", "open('x')", "'a'", "[a]", "a if a else a", "True", "1 / 0"],
)
def test_other_expressions_are_refused(expression):
    with pytest.raises(ValueError, match=r"^\""):
        evaluate(expression, {"a": 3})


@pytest.mark.parametrize("sentence", ["{a", "a}", "{a:q}", "{}", "{{a}}"])
def test_sentences_with_loose_braces_or_formats_are_refused(sentence):
    with pytest.raises(ValueError, match=r"^\""):
        fill(sentence, {"a": 3})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (65, "65"),
        (-0.092307, "-0.09231"),
        (1024, "1024"),
        (1129.56, "1130"),
        (246_163.9, "246 200"),
        (1.6e-4, "1.6e-4"),
        (2.5e10, "2.5e10"),
    ],
)
def test_numbers_are_shown_with_four_digits(value, text):
    assert shown(value) == text


def test_power_over_the_latency_is_not_the_energy(contradictions):
    energy_j = 113.7e-3 * 65e-9
    assert energy_j == pytest.approx(7.39e-9, abs=5e-12)
    assert "113.7 mW for 65 ns are 7.4 nJ, not 4 nJ" in contradictions["power-and-energy"]
    assert "are 35 ns, not 65 ns" in contradictions["power-and-energy"]


def test_a_batch_of_64_waits_for_64_times_as_long(contradictions):
    assert "22.37 µs x 64 = 1432 µs" in contradictions["gpu-baseline"]
    assert "7.178 mJ in 22.37 µs are 321 W" in contradictions["gpu-baseline"]


@pytest.mark.slow
@pytest.mark.needs("torch")
def test_causal_attention_of_one_query_sees_the_first_key_only():
    import torch

    q, k, v = torch.randn(3, 1, 1, 8, 4, generator=torch.Generator().manual_seed(1))
    seen = torch.nn.functional.scaled_dot_product_attention(q[:, :, :1], k, v, is_causal=True)
    torch.testing.assert_close(seen, v[:, :, :1])


def test_levels_rounded_to_steps_of_two_31sts_are_33_codes(contradictions):
    outputs = np.linspace(-1, 1, 10_001)
    codes = np.unique(np.round(outputs * 31 / 2))
    assert len(codes) == 33
    assert codes.max() * 2 / 31 == pytest.approx(1.032, abs=5e-4)
    assert "-16..16 are 33 codes, and reach ±1.032" in contradictions["levels"]


def test_a_window_at_the_trained_decay_outlives_half_a_step(contradictions):
    window_s, bound_s = 1024 * 0.8e-6, -5e-3 * math.log(1 - 1 / 7)
    assert window_s > bound_s == pytest.approx(HeadConfig().bound_cycles * 1e-9, abs=1e-9)
    text = contradictions["window-outlives"]
    assert f"= {bound_s * 1e3:.3f} ms" in text
    assert f"are {window_s * 1e3:.3f} ms" in text
    assert f"moved by {(1 - math.exp(-window_s / 5e-3)) / 2:.4f}, more than {1 / 14:.4f}" in text


@pytest.mark.slow
@pytest.mark.needs("torch")
def test_tiles_by_position_move_as_torch_says(contradictions):
    import torch

    from gaincell.ml.attention import attention
    from gaincell.ml.attention.authors import ReferenceQuirks

    config, tokens = HeadConfig(), shipped_tokens(HeadConfig())
    largest = config.query_max, config.key_max, config.value_max
    pairs = zip(tokens.codes, largest, strict=True)
    units = [torch.from_numpy(codes / most)[None, None] for codes, most in pairs]
    quirks = ReferenceQuirks(half_steps=False)
    by_position = attention(*units, config, reference=quirks)[0, 0].numpy().round()
    ring = attend(*tokens.codes, config)
    assert np.array_equal(by_position[: config.window], ring[: config.window])
    change, after = (by_position - ring)[config.window :], ring[config.window :]
    moved = moved_by_position()
    assert moved.share == pytest.approx(np.mean(change != 0))
    assert moved.rms == pytest.approx(np.sqrt(np.sum(change**2) / np.sum(after**2)))
    assert f"{100 * moved.rms:.1f} % of the outputs" in contradictions["tiles"]


def test_the_cubic_is_the_papers_coefficients_at_the_supply(rows):
    c = [
        [0.17393044, 0.15653739, 0.14088365, 0.12679529],
        [5.51975209, 4.96777688, 4.4709992],
        [-1.44776001, -1.30298401],
        [46.05483778],
    ]
    contracted = [sum(each * 0.9**j for j, each in enumerate(order)) for order in c]
    assert rows["cubic-cell"].entry.paper == pytest.approx(contracted, rel=1e-9)
    assert pytest.approx(contracted, rel=1e-8) == CUBIC


# Figures that are in the authors' files


def test_differences_from_the_authors_head_are_those_of_the_file(rows, shared_file):
    with np.load(shared_file("reference_head_64x64.npz")) as arrays:
        head = {name: arrays[name].astype(np.float64) for name in arrays}
    age = np.subtract.outer(np.arange(64), np.arange(64))
    remaining = np.where(age >= 0, np.exp(-1e-4 * age), 0.0)

    def charge(volts):
        return np.polynomial.polynomial.polyval(volts - 0.45, CUBIC)

    def output(phi):
        return np.clip((phi * remaining) @ charge(head["V"]) / 40, -1, 1)

    def phi(scores):
        return np.clip(scores / 80, 0, 1) * (age >= 0)

    scores = head["Q"] @ charge(head["K"]).transpose(0, 2, 1) * remaining
    found = {
        "scores": scores - head["S"],
        "phi": phi(head["S"]) - head["phi_S"],
        "output": output(head["phi_S"]) - head["output"],
        "chain": output(phi(scores)) - head["output"],
    }
    for name, difference in found.items():
        entry = rows[f"reference-{name}"].entry
        assert entry.ours == pytest.approx(np.abs(difference).max(), rel=0.02), name
    assert rows["reference-scores"].entry.scale == pytest.approx(np.abs(head["S"]).max(), rel=1e-3)


def test_gpu_figures_are_those_of_the_file(rows, shared_file):
    found = json.loads(shared_file("gpu_reference.json").read_text())
    for name, key in (("4090", "rtx_4090"), ("jetson", "jetson_nano")):
        time_s, energy_j = (found[key][f"mean_{what}_per_token"] for what in ("latency", "energy"))
        assert rows[f"gpu-{name}-time"].entry.paper == pytest.approx(time_s * 1e6)
        assert rows[f"gpu-{name}-energy"].entry.paper == pytest.approx(energy_j * 1e3)
        assert found[key]["S"] == 64


def test_losses_are_those_of_the_file(rows, shared_file):
    curves = json.loads(shared_file("reference_training_curves.json").read_text())
    found = {label.replace("\n", " "): curve for label, curve in curves.items()}

    def loss(label, step):
        curve = found[label]
        return curve["Cross entropy loss"][curve["iterations"].index(step)]

    adapted = "Nonlinear model fine-tuned from linear model"
    expected = {
        "linear": loss("Linear model fine-tuned from GPT-2", 2900),
        "start": loss(adapted, 0),
        "nonlinear": loss(adapted, 5900),
        "direct": loss("Nonlinear model fine-tuned from GPT-2", 6000),
        "scratch": loss("Nonlinear model trained from scratch", 6200),
    }
    for name, value in expected.items():
        assert rows[f"loss-{name}"].entry.paper == pytest.approx(value, abs=5e-4), name
    saved = rows["loss-direct"].entry.paper - rows["loss-nonlinear"].entry.paper
    assert rows["figure-4"].entry.paper == pytest.approx(saved)
    for label in ("Linear model fine-tuned from GPT-2", "Nonlinear model trained from scratch"):
        assert loss(label, 0) == pytest.approx(10.98, abs=5e-3)


# The command, and make paper


def test_command_writes_page_and_data(tmp_path, capsys):
    output, data = tmp_path / "page.md", tmp_path / "data.json"
    arguments = ["--entries", str(ENTRIES), "-o", str(output), "--json", str(data)]
    assert cli.main(["ledger", *arguments]) == 0
    assert output.read_bytes() == (ROOT / "docs" / "evidence" / "reproduction.md").read_bytes()
    found = json.loads(data.read_text())
    latency = next(each for each in found["entries"] if each["id"] == "latency")
    assert latency["ours"] == pytest.approx([59])
    assert latency["verdict"] == "reproduced"
    assert latency["run"] == found["commands"]["cosim"]["run"]
    counted = [each["verdict"] for each in found["entries"]].count("not rerun")
    assert re.search(rf"not rerun +{counted}\n", capsys.readouterr().out)


@pytest.mark.parametrize("entries", ["none.toml", "bad.toml"])
def test_command_refuses_with_one_line_and_writes_nothing(tmp_path, capsys, entries):
    (tmp_path / "bad.toml").write_text("entry = 1\n")
    output = tmp_path / "page.md"
    assert cli.main(["ledger", "--entries", str(tmp_path / entries), "-o", str(output)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"gaincell: ledger {tmp_path / entries}")
    assert captured.err.count("\n") == 1
    assert not output.exists()


@pytest.fixture(scope="module")
def paper():
    path = ROOT / "benchmarks" / "paper.py"
    spec = importlib.util.spec_from_file_location("benchmarks_paper", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_make_paper_goes_on_after_a_failure_and_names_it(paper, tmp_path, capsys):
    python = shlex.quote(sys.executable)
    runs = {
        "wrong": f'{python} -c "print(1); raise SystemExit(3)"',
        "absent": "no-such-program",
        "right": "gaincell --version",
    }
    assert paper.run_all(runs, tmp_path) == ["wrong", "absent"]
    assert (tmp_path / "wrong.log").read_text() == "1\n"
    assert "No such file" in (tmp_path / "absent.log").read_text()
    assert (tmp_path / "right.log").read_text().startswith("gaincell ")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("[1/3] ")
    assert lines[0].endswith(", exit status 3")
    assert lines[2].startswith("[3/3] gaincell --version ... ")


def test_make_paper_runs_what_can_be_run_here():
    here = [each.run for each in read_book(ENTRIES).commands.values() if each.here]
    assert len(set(here)) == len(here)
    for command in ("config", "verilog", "cosim", "estimate", "synth"):
        assert any(run.startswith(f"gaincell {command} ") for run in here), command
    assert {"make retention", "make exact", "make demo-ml"} < set(here)
