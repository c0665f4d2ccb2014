"""Files of gaincell bench-gpu, and published figures."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from fake_gpu import (
    TINY,
    FakeTime,
    metered,
    working_gpu,
)

from gaincell.config import PRESETS
from gaincell.gpu_bench.bench import bench
from gaincell.gpu_bench.figures import as_json, load_bench, ours, published
from gaincell.text import si

pytestmark = pytest.mark.usefixtures("small_copies")


@pytest.fixture(scope="module")
def measured():
    """A bench with energy."""
    clock = FakeTime()
    settings = replace(TINY, batches=(2,), seconds=0.05)
    return bench(settings, working_gpu(clock), open_meter=metered(clock))


def test_a_file_is_read_back_as_it_was(measured, tmp_path):
    path = tmp_path / "bench.json"
    path.write_text(json.dumps(as_json(measured)))
    assert load_bench(path) == measured
    assert load_bench(path).rows[0].energy is not None


def changed(*keys, to):
    def change(stored):
        for key in keys[:-1]:
            stored = stored[key]
        stored[keys[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (changed("format", to=2), "it is not what gaincell bench-gpu writes"),
        (changed("rows", to=[]), '"rows" must be a list, not empty'),
        (changed("rows", 0, to=3), "row 0 must be an object"),
        (changed("rows", 1, "label", to="guessed"), "[row 1] label is"),
        (changed("rows", 1, "repeats_s", to=[]), "repeats_s is (), but must be a list of numbers"),
        (changed("rows", 1, "repeats_s", to=[-1.0]), "but must be a list of numbers above 0"),
        (changed("rows", 1, "repeats_s", to=[float("nan")]), "but must be a list of numbers"),
        (changed("rows", 0, "batch", to=0), "[row 0] batch is 0, but must be at least 1"),
        (changed("rows", 0, "speed", to=1), '[row 0] unknown key "speed"'),
        (changed("rows", 0, "energy", to=4), "row 0's energy must be an object, or null"),
        (changed("rows", 0, "energy", "tokens", to=0), "[row 0, energy] tokens is 0, but must"),
        (changed("device", to=None), "device is None, but must be a table"),
        (changed("settings", "batches", to=[]), "batches is (), but must be a list of whole"),
        (changed("settings", "batches", to=[1.5]), "but must be a list of whole numbers"),
        (changed("notes", to=[1]), '"notes" must be a list of strings'),
        (changed("versions", to=[]), '"versions" must be an object of strings'),
        (changed("idle_power_w", to="low"), 'idle_power_w is "low", but must be at least 0'),
    ],
)
def test_a_file_that_was_changed_is_refused(measured, tmp_path, change, message):
    path = tmp_path / "bench.json"
    stored = json.loads(json.dumps(as_json(measured)))
    change(stored)
    path.write_text(json.dumps(stored))
    with pytest.raises(ValueError, match=re.escape(message)) as refusal:
        load_bench(path)
    assert str(refusal.value).startswith(f"bench {path}")


def test_a_file_that_is_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        load_bench(tmp_path / "bench.json")
    (tmp_path / "bench.json").write_text("{")
    with pytest.raises(ValueError, match="is not valid JSON"):
        load_bench(tmp_path / "bench.json")


def test_figures_and_files_need_no_torch(measured, tmp_path):
    path = tmp_path / "bench.json"
    path.write_text(json.dumps(as_json(measured)))
    program = (
        "import sys, pathlib\n"
        "sys.modules['torch'] = None\n"
        "from gaincell.gpu_bench.figures import load_bench, published\n"
        "print(len(published()), load_bench(pathlib.Path(sys.argv[1])).device.name)\n"
    )
    command = [sys.executable, "-c", program, str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stdout == "3 Fake\n"


def test_published_figures_say_where_they_are_from():
    card, nano, head = published()
    assert card.latency_s == pytest.approx(22.37e-6, rel=1e-3)
    assert nano.energy_j == pytest.approx(3.246e-3, rel=1e-3)
    assert (head.latency_s, head.energy_j, head.heads) == (65e-9, 6.1e-9, 1)
    assert all(figure.label == "published" and figure.source for figure in published())
    assert (card.heads, card.above_idle) == (12, True)


def test_the_page_gives_these_figures():
    page = (Path(__file__).parents[2] / "docs" / "do" / "bench_gpu.md").read_text(encoding="utf-8")
    for figure in (*published(), ours()):
        row = next(
            line
            for line in page.splitlines()
            if line.startswith(f"| {figure.case.partition(',')[0]} ")
        )
        assert si(figure.latency_s, "s").replace("us", "µs") in row
        assert figure.energy_j is None or si(figure.energy_j, "J") in row


def test_our_latency_is_that_of_the_config():
    tiny = PRESETS["tiny"]
    assert ours(tiny).latency_s == tiny.latency_cycles * tiny.clock_s
    assert ours().latency_s == pytest.approx(PRESETS["gpt2"].latency_cycles * 1e-9)
    assert ours().label == "simulated"
