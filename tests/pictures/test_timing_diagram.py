"""The timing diagram shows what the waveform says, and refuses one it cannot show."""

import re
from dataclasses import replace

import pytest

from gaincell.config import PRESETS
from gaincell.pictures.recording import Recording
from gaincell.pictures.timing import K_PHASES, V_PHASES, draw_timing
from gaincell.schedule import WRITE_GAP_CYCLES, Span

TINY = PRESETS["tiny"]
SCHEDULES = ("sequential", "overlapped", "paired")
SPANS = {
    "K write": "k_write",
    "K reset": "k_reset",
    "QK": "qk",
    "V write": "v_write",
    "V reset": "v_reset",
    "AV": "av",
    "OUT": "out",
}


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_finds_every_phase_of_every_token(record, schedule):
    config = replace(TINY, schedule=schedule)
    recording = Recording(record(config), config)
    assert recording.tokens == len(recording.accepts) == 6
    launch = recording.accepts[3]
    for row in (*K_PHASES, *V_PHASES):
        expected: Span = getattr(config.timing, SPANS[row.name])
        found = recording.phases[row.wire]
        assert len(found) == 6
        assert found[3] == Span(launch + expected.start, launch + expected.end)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_measures_interval_and_latency(record, schedule):
    config = replace(TINY, schedule=schedule)
    recording = Recording(record(config), config)
    assert recording.accepts[4] - recording.accepts[3] == config.interval_cycles
    assert recording.valids[3] - recording.accepts[3] == config.latency_cycles


def test_tells_the_clear_from_the_write_that_follows_it(record):
    recording = Recording(record(TINY), TINY)
    assert [span.cycles for span in recording.clears["k_enable"]] == [TINY.write_cycles]
    clear, write = recording.clears["k_enable"][0], recording.phases["k_enable"][0]
    assert write.start - clear.end == WRITE_GAP_CYCLES
    assert len(recording.clears["v_enable"]) == 1


def test_reads_length_and_sign_of_output_pulses(record):
    recording = Recording(record(TINY), TINY)
    outputs = {each.wire: each for each in recording.outputs(3)}
    assert 1 not in outputs  # (1 + 3) mod 4 cycles: no pulse
    assert (outputs[2].span.cycles, outputs[2].negative) == (1, False)
    assert (outputs[7].span.cycles, outputs[7].negative) == (2, True)


def test_counts_a_refused_result_once(record):
    def refuse(waves):
        valid, ready = waves["result_valid"][1], waves["result_ready"][1]
        last = max(cycle for cycle, value in enumerate(valid) if value)
        ready[last] = 0
        valid[last + 1] = 1

    assert Recording(record(TINY, change=refuse), TINY).tokens == 6


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_diagram_tells_what_was_measured(record, tmp_path, schedule):
    config = replace(TINY, schedule=schedule)
    draw_timing(record(config), config, tmp_path / "a.svg")
    texts = re.findall(r"<!-- (.*?) -->", (tmp_path / "a.svg").read_text())
    assert f"latency {config.latency_cycles}" in texts
    assert f"interval {config.interval_cycles}" in texts
    assert f"tokens 3..5, {schedule} schedule" in texts
    names = [row.name for row in (*K_PHASES, *V_PHASES)]
    lengths = [texts[texts.index(name) + 1] for name in names]
    assert lengths == [f"{getattr(config.timing, SPANS[name]).cycles}" for name in names]


def test_draws_the_first_tokens_too(record, tmp_path):
    draw_timing(record(TINY), TINY, tmp_path / "a.svg", first_token=0, tokens=1, dimensions=[7])
    texts = re.findall(r"<!-- (.*?) -->", (tmp_path / "a.svg").read_text())
    assert {"tokens 0..0, overlapped schedule", "query 7", "clear"} <= set(texts)
    assert "query 0" not in texts
    assert not any(text.startswith("interval") for text in texts)


@pytest.mark.parametrize("name", ["query", "k_broadcast", "cycle", "rst"])
def test_names_a_missing_signal(record, tmp_path, name):
    waveform = record(TINY)
    waveform.write_text(waveform.read_text().replace(f" {name} [", f" other_{name} ["))
    with pytest.raises(ValueError, match=rf"lacks the signal tb\.{name}\b"):
        draw_timing(waveform, TINY, tmp_path / "a.png")


def test_refuses_the_waveform_of_another_config(record, tmp_path):
    waveform = record(TINY)
    with pytest.raises(ValueError, match=r"tb\.k_reset of 1 bits, but the config asks for 2"):
        draw_timing(waveform, replace(TINY, schedule="paired"), tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"tb\.query of 8 bits, but the config asks for 16"):
        draw_timing(waveform, replace(TINY, head_dim=16), tmp_path / "a.png")


def test_refuses_unknown_values(record, tmp_path):
    def spoil(waves):
        waves["query"][1][30] = -1

    with pytest.raises(ValueError, match=r"unknown value of tb\.query 27 cycles after reset"):
        draw_timing(record(TINY, change=spoil), TINY, tmp_path / "a.png")


def test_result_ready_may_be_unknown_while_there_is_no_result(record):
    def spoil(waves):
        valid = waves["result_valid"][1]
        waves["result_ready"] = (1, [1 if taken else -1 for taken in valid])

    assert Recording(record(TINY, change=spoil), TINY).tokens == 6


def test_refuses_more_tokens_than_recorded(record, tmp_path):
    with pytest.raises(ValueError, match=r"results of 2 tokens, but tokens 3\.\.5 were asked"):
        draw_timing(record(TINY, tokens=2), TINY, tmp_path / "a.png")


def test_refuses_what_is_no_waveform(tmp_path):
    with pytest.raises(ValueError, match="is not a file"):
        draw_timing(tmp_path / "none.vcd", TINY, tmp_path / "a.png")
    (tmp_path / "text.vcd").write_text("no waveform\n")
    with pytest.raises(ValueError, match="neither VCD nor FST"):
        draw_timing(tmp_path / "text.vcd", TINY, tmp_path / "a.png")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"dimensions": [8]}, r"dimension 8 is not in 0\.\.7"),
        ({"first_token": -1}, "first_token is -1"),
        ({"tokens": 0}, "tokens 0, but must be"),
    ],
)
def test_refuses_wrong_choices(record, tmp_path, wrong, message):
    with pytest.raises(ValueError, match=message):
        draw_timing(record(TINY), TINY, tmp_path / "a.png", **wrong)


def test_refuses_other_formats_and_missing_folders(record, tmp_path):
    waveform = record(TINY)
    with pytest.raises(ValueError, match=r"must have a name that ends in \.png or \.svg"):
        draw_timing(waveform, TINY, tmp_path / "a.jpg")
    with pytest.raises(ValueError, match="cannot be written"):
        draw_timing(waveform, TINY, tmp_path / "none" / "a.png")
