"""Replays: wires of a control, what they should give, decks, samples, and one whole chain."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from gaincell.behavioral.control import run_arrays, token_wires
from gaincell.behavioral.tokens import Tokens, random_tokens
from gaincell.behavioral.wires import Wires, WritePort
from gaincell.cli import main
from gaincell.cocotb_tests.bench.recorder import RecordingPins, of_plain, plain
from gaincell.cocotb_tests.run.simulate import simulate
from gaincell.config import PRESETS
from gaincell.design_file import SHIPPED, record_of
from gaincell.spice.design import load_design
from gaincell.spice.ngspice import Deck, NoResult, TooSlow
from gaincell.spice.replay import run
from gaincell.spice.replay.columns import column_lines
from gaincell.spice.replay.compare import compared_codes
from gaincell.spice.replay.decks import Timing, output_line, score_line
from gaincell.spice.replay.expected import as_measured, by_contract
from gaincell.spice.replay.head import replayed_head
from gaincell.spice.replay.sampled import pulses_of, ruled_codes, sampled_codes
from gaincell.spice.replay.wires import control_of

NAME = "freepdk45_long"


@pytest.fixture(scope="module")
def record():
    return json.loads((SHIPPED / f"{NAME}.json").read_text())


@pytest.fixture
def head(record):
    return replayed_head(PRESETS["tiny"], load_design(NAME), record)


def ideal_run(config, tokens):
    """Wires and codes (reads, tiles, D) of tokens of one sequence under the ideal control."""
    pins, codes = RecordingPins(config, check_age=False), []
    clear = WritePort(enable=1, broadcast=1)
    waves = [Wires(k=clear, v=clear)] * config.write_cycles + [Wires()]
    for position, (q, k, v) in enumerate(zip(*tokens.codes, strict=True)):
        waves += token_wires(q, k, v, position, config)
    for wires in waves:
        pins.step(wires)
        if pins.codes is not None:
            magnitude, negative = pins.codes
            codes.append(np.where(negative, -magnitude, magnitude))
    recorded = of_plain(json.loads(json.dumps(plain(pins))))
    return control_of(recorded, config), np.array(codes)


@pytest.mark.parametrize("sink", [0, 2])
def test_expected_codes_are_those_of_the_arrays(head, sink):
    head = replace(head, config=replace(head.config, sink=sink))
    tokens = random_tokens(40, head.config, np.random.default_rng(5))
    control, codes = ideal_run(head.config, tokens)
    expected = by_contract(head, control)
    assert control.reads == 40
    assert np.array_equal(expected.codes, codes)
    y_code, _ = run_arrays(*tokens.codes, head.config)
    assert np.array_equal(codes.sum(axis=1), y_code)
    assert np.unique(codes).size > 20


def test_only_the_reference_transport_sees_every_wire(head):
    tokens = random_tokens(1, head.config, np.random.default_rng(5))
    with pytest.raises(ValueError, match='record_wires needs transport "per-ns"'):
        simulate(None, tokens, head.config, record_wires=True)


def test_wires_become_spans(head):
    config = head.config
    tokens = random_tokens(2, config, np.random.default_rng(5))
    control, _ = ideal_run(config, tokens)
    _, first, second = control.k_writes
    reached = [[write.reaches(slot) for slot in (0, 1, 7)] for write in control.k_writes]
    assert reached == [[True, True, True], [True, False, False], [False, True, False]]
    assert second.codes.tolist() == tokens.k_code[1].tolist()
    assert first.span.cycles == config.write_cycles
    assert [span.cycles for span in control.phases["v_reset"]] == [config.reset_cycles] * 2
    widths = [
        [span.cycles for span in spans if span.start < second.span.start]
        for spans in control.queries
    ]
    assert widths == [[code] if code else [] for code in tokens.q_code[0]]


def test_measured_columns_give_nearly_the_pulses_of_the_contract(head):
    tokens = random_tokens(30, head.config, np.random.default_rng(5))
    control, _ = ideal_run(head.config, tokens)
    contract, measured = by_contract(head, control), as_measured(head, control)
    inside = (contract.phi > 0.2) & (contract.phi < 0.9)
    longer = (measured.phi - contract.phi)[inside]
    assert np.all(np.abs(longer) < 0.02)
    assert np.any(longer != 0)


def test_lines_of_columns_pass_through_the_columns(record):
    columns = record["output"]["columns"]
    said = column_lines(record, "output")(np.array(columns["charge_fc"]))
    inside = np.abs(columns["simulated_s"]) > 0
    assert np.max(np.abs(said - columns["simulated_s"])[inside]) < 0.02 * record["output"]["full_s"]


def sources(text):
    """Corners of every source of a deck, by its node."""
    found = {}
    for line in text.splitlines():
        if match := re.match(r"v\S+ (\S+) 0 (.*)", line):
            numbers = np.array([float(word) for word in re.findall(r"[-\d.e]+", match[2])])
            constant = "pwl" not in line
            found[match[1]] = numbers if constant else numbers.reshape(-1, 2)
    return found


@pytest.mark.needs("freepdk45")
def test_decks_write_the_cells_by_the_wires_and_gang_them(head):
    tokens = random_tokens(3, head.config, np.random.default_rng(5))
    control, _ = ideal_run(head.config, tokens)
    deck = score_line(head, control, 1, [[]], 1e-10)
    wires = sources(deck.text)
    levels = head.design.levels
    assert len(re.findall(r"^xs\d+ .* cell m=8$", deck.text, re.MULTILINE)) == 8
    # the clear and one token open the word line, never shorter than in a characterisation
    opened = wires["wwl"][wires["wwl"][:, 1] == levels.write_on_v, 0].reshape(-1, 2)
    assert len(opened) == 2
    assert np.allclose(np.diff(opened), 9e-9, atol=1e-10)
    row = wires["dacwb0"]
    at_write = np.interp(opened[1].mean(), row[:, 0], row[:, 1])
    assert at_write == pytest.approx(levels.stored_v(tokens.k_code[1, 0]))
    assert deck.text.count(f".ic v(s0)={levels.middle_v:g}") == 1
    high = np.diff(wires["wl0"][wires["wl0"][:, 1] > 0, 0].reshape(-1, 2))[:, 0]
    assert np.allclose(high, [q * 1e-9 - 5e-11 for q in tokens.q_code[:, 0] if q], atol=1e-12)
    phi = [[(30e-9, 34e-9)], [], [], []]
    wires = sources(output_line(head, control, (0, 2), phi, [[], []], 1e-10).text)
    assert wires["wl0"][1, 0] == pytest.approx(30e-9)
    assert wires["wl0b"][1, 1] == levels.cell_v
    assert np.all(wires["wl3"][:, 1] == 0)


def test_a_signed_conversion_lasts_for_all_samples_of_a_late_converter(head):
    tokens = random_tokens(2, head.config, np.random.default_rng(5))
    control, _ = ideal_run(head.config, tokens)
    timing = Timing.of(head, control)
    spans = timing.conversions("v")
    assert head.config.late_cycles == 2
    assert np.allclose(np.diff(spans), 17e-9)
    begun = np.array(timing.begun("v"))
    assert np.allclose(begun[:, 0] - np.array(spans)[:, 0], 0.55e-9)
    assert np.allclose(begun[:, 1], np.array(spans)[:, 1])


@pytest.mark.needs("freepdk45")
@pytest.mark.parametrize("sync_stages", [1, 2])
def test_a_sign_is_held_until_the_readout_has_seen_it(record, sync_stages):
    config = replace(PRESETS["tiny"], sync_stages=sync_stages)
    head = replayed_head(config, load_design(NAME), record)
    tokens = random_tokens(2, head.config, np.random.default_rng(5))
    control, _ = ideal_run(head.config, tokens)
    timing = Timing.of(head, control)
    ends = {stage: np.array(timing.conversions(stage))[:, 1] for stage in ("k", "v")}
    held = {stage: np.array(timing.holds(stage))[:, 1] for stage in ("k", "v")}
    assert np.allclose(held["k"], ends["k"])
    assert np.allclose(held["v"] - ends["v"], sync_stages * 1e-9)
    wires = sources(output_line(head, control, (0, 2), [[]] * 4, [[], []], 1e-10).text)
    assert wires["hold"][-1, 0] > timing.at(control.phases["v_convert"][-1].end + sync_stages)


def test_a_deck_without_solution_is_tried_with_shorter_steps(monkeypatch, tmp_path):
    tried = []

    def simulate(deck):
        tried.append(deck.stop_s)
        if deck.stop_s > 0.1:
            raise NoResult("no step")
        return {"time": np.zeros(1)}

    monkeypatch.setattr(run, "simulate", simulate)
    run._waves("line", lambda step: Deck(f"{step}", "a line", step), tmp_path)
    assert tried == [0.3, 0.2, 0.1]
    assert (tmp_path / "line.sp").read_text() == "0.1"
    with pytest.raises(NoResult, match="no step"):
        run._waves("line", lambda step: Deck("", "a line", 1.0), None)
    assert len(tried) == 3 + 4


def test_a_deck_that_takes_too_long_is_not_tried_again(monkeypatch):
    tried = []

    def simulate(deck):
        tried.append(deck)
        raise TooSlow("not within 120 s")

    monkeypatch.setattr(run, "simulate", simulate)
    with pytest.raises(TooSlow):
        run._waves("line", lambda step: Deck("", "a line", step), None)
    assert len(tried) == 1


@pytest.mark.parametrize("sync_stages", [1, 2])
@pytest.mark.parametrize("negative", [False, True])
def test_the_readout_counts_the_edges_that_see_the_pulse(head, negative, sync_stages):
    tokens = random_tokens(1, head.config, np.random.default_rng(5))
    control, _ = ideal_run(head.config, tokens)
    timing, phases = Timing.of(head, control), control.phases["v_convert"]
    begin = timing.at(phases[0].start)
    time = begin + np.arange(0, 20, 0.01) * 1e-9
    delay, length = 2.1e-9, 6.0e-9
    high = (time > begin + delay) & (time < begin + delay + length)
    waves = {
        "time": time,
        "v(pulse)": 0.9 * high,
        "v(sign)": np.full(len(time), 0.9 * negative),
    }
    sign = -1 if negative else 1
    for late, seen in ((0, 6), (2, 6), (4, 4)):
        found = sampled_codes(waves, timing, phases, 15, sync_stages, 0.45, late)
        assert found.tolist() == [sign * seen]


def test_a_full_pulse_that_starts_late_loses_its_end_to_a_control_that_does_not_wait(head):
    tokens = random_tokens(1, head.config, np.random.default_rng(5))
    control, _ = ideal_run(head.config, tokens)
    timing, phases = Timing.of(head, control), control.phases["v_convert"]
    time = timing.at(phases[0].start) + np.arange(0, 22, 0.01) * 1e-9
    high = (time > time[0] + 2.1e-9) & (time < time[0] + 17.05e-9)
    waves = {"time": time, "v(pulse)": 0.9 * high, "v(sign)": 0.0 * time}
    codes = [sampled_codes(waves, timing, phases, 15, 1, 0.45, late)[0] for late in (0, 2)]
    assert codes == [13, 15]


def test_lengths_become_codes_by_the_contract():
    assert ruled_codes(np.array([0.49, 0.5, -1.5, 14.5, 20.0, -0.2]), 15).tolist() == [
        *(0, 1, -2, 15, 15, 0)
    ]


def test_pulses_and_gaps_that_no_line_follows_are_left_out():
    corners = np.array([0, 1, 1.001, 2, 2.001, 2.02, 2.021, 3, 3.001, 4, 4.001, 4.02, 4.021, 9])
    levels = np.array([0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0])
    found = pulses_of({"time": corners * 1e-9, "v(p)": levels}, "v(p)", 0.5)
    assert len(found) == 1
    assert found[0] == pytest.approx((1.0005e-9, 3.0005e-9))


def test_comparisons_count_what_differs():
    wanted = np.array([[0, 3], [15, -4], [-15, 2]])
    found = compared_codes(np.array([[0, 4], [13, -4], [-15, 0]]), wanted, 15)
    assert found["equal"] == pytest.approx(3 / 6)
    assert found["within_one"] == pytest.approx(4 / 6)
    assert found["inside"] == {
        "codes": 3,
        "equal": pytest.approx(1 / 3),
        "within_one": pytest.approx(2 / 3),
    }
    assert found["histogram"] == {"-2": 2, "0": 3, "1": 1}
    assert found["first_difference"] == {"read": 0, "line": 1, "transistors": 4, "arrays": 3}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"head_dim": 24}, "head_dim is 24, but must divide 64, the cells on a line"),
        ({"window": 12, "columns": 12}, "columns is 12, but must divide 64"),
        ({"schedule": "paired"}, "a line of the design has one integrator"),
        ({"readout_bits": 3}, "a full output pulse is 7e-09 s, but 1.5e-08 s"),
        ({"step_cycles": 2}, "a full query pulse is 3e-08 s"),
    ],
)
def test_refuses_heads_that_do_not_fit_the_design(record, change, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        replayed_head(replace(PRESETS["tiny"], **change), load_design(NAME), record)


def test_refuses_records_of_another_design_or_too_short_ones(record, tmp_path):
    design = load_design(NAME)
    other = {**record, "design": {**record["design"], "sha256": "0"}}
    with pytest.raises(ValueError, match="belongs to another netlist or other sizes"):
        replayed_head(PRESETS["tiny"], design, other)
    bare = {**record, "score": {**record["score"], "columns": None}}
    with pytest.raises(ValueError, match="has 0 random score columns"):
        replayed_head(PRESETS["tiny"], design, bare)
    with pytest.raises(ValueError, match=f"is design {NAME}, but --design is mine"):
        record_of({"cell": NAME}, tmp_path, "mine")
    with pytest.raises(ValueError, match="design mine has no record: run gaincell characterise"):
        record_of({}, tmp_path, "mine")


@pytest.mark.needs("freepdk45", "ngspice")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--config", "gpt2"], "1024 score columns and 1024 output lines are too many"),
        (["--config", "tiny", "--tiles", "4"], "--tiles is 4, but must be numbers in 0..3"),
        (["--config", "tiny", "--columns", "a"], "--columns is a, but must be numbers in 0..3"),
        (["--config", "tiny", "--tokens", "0"], "--tokens is 0, but must be at least 1"),
    ],
)
def test_the_command_refuses_in_one_sentence(tmp_path, capsys, options, said):
    output = tmp_path / "out"
    assert main(["replay", "--design", NAME, "-o", str(output), *options]) == 2
    assert said in capsys.readouterr().err
    assert not output.exists()


def test_a_missing_ngspice_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PATH", "")
    output = tmp_path / "out"
    assert main(["replay", "--config", "tiny", "--design", NAME, "-o", str(output)]) == 3
    assert "apt-get install ngspice" in capsys.readouterr().err
    assert not output.exists()


@pytest.mark.needs("ngspice", "freepdk45", "verilator")
@pytest.mark.cosim
def test_a_column_drives_a_line_on_the_verilog_s_wires(record, tmp_path):
    # a column that answers with two thirds of a pulse, on a line that it pulls below 0
    tokens = Tokens(
        q_code=np.array([[5, 4, 0, 0, 0, 0, 0, 0]] * 2),
        k_code=np.array([[7] * 8, [0] * 8]),
        v_code=np.array([[7, 2, 7, 0, 7, 0, 7, 0]] * 2),
        first=np.array([True, False]),
    )
    tokens.save(tmp_path / "in.npz")
    chosen = ["--tiles", "0", "--columns", "0", "--output-dims", "1"]
    folder = tmp_path / "out"
    command = ["replay", "--config", "tiny", "--design", NAME, "-o", str(folder)]
    given = ["--input", str(tmp_path / "in.npz"), *chosen, "--keep-decks"]
    assert main([*command, *given]) == 0
    report = json.loads((folder / "report.json").read_text())
    phi = report["tables"]["phi"]
    assert 0.6 < phi["arrays"][1][0] < 0.8
    # only two of eight rows are read: the line loses less of its charge than a random column does,
    # whose loss is part of the head's saturation, so the pulse is too long
    assert 0 < phi["transistors"][1][0] - phi["arrays"][1][0] < 0.05
    codes = report["tables"]["codes"]
    assert -9 < codes["arrays"][1][0] < -3
    assert abs(codes["by_length"][1][0] - codes["arrays"][1][0]) <= 1
    assert (folder / "picture.png").stat().st_size > 20_000
    assert len(list((folder / "decks").glob("*.sp"))) == 4
