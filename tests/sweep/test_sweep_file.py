"""Sweep files: the points that they make, and what wrong ones are told."""

import csv
from pathlib import Path

import numpy as np
import pytest

from gaincell.sweep.draws import Draws, Range, drawn
from gaincell.sweep.point import point_of
from gaincell.sweep.sweep_file import read_sweep

METRICS = 'metrics = ["latency"]\n'


def sweep_of(tmp_path, text):
    path = tmp_path / "sweep.toml"
    path.write_text(text)
    return read_sweep(path)


def test_points_are_every_combination_of_grid_list_and_draws(tmp_path):
    sweep = sweep_of(
        tmp_path,
        METRICS
        + """[grid]
columns = [32, 64]
cell = ["cubic", [0.0, 1.0]]
[list]
window = [256, 512]
token_s = [1e-6, 2e-6]
[draws]
count = 3
[draws.range]
score_saturation = {low = 20.0, high = 160.0}
""",
    )
    assert len(sweep.points) == 2 * 2 * 2 * 3
    assert sweep.varied == ("columns", "cell", "window", "token_s", "score_saturation")
    pairs = {(point["window"], point["token_s"]) for point in sweep.points}
    assert pairs == {(256, 1e-6), (512, 2e-6)}
    assert len({point["score_saturation"] for point in sweep.points}) == 3


def test_fixed_tables_reach_every_point_and_varied_values_win_over_the_config_file(tmp_path):
    (tmp_path / "head.toml").write_text(
        'preset = "tiny"\ncolumns = 4\n[analog]\ncell_area_um2 = 2.0\ndac_bit_pj = 3.0\n'
    )
    sweep = sweep_of(
        tmp_path,
        METRICS
        + """config = "head.toml"
[head]
window = 32
[faults]
read_noise = 0.25
[grid]
columns = [8]
"analog.cell_area_um2" = [5.0]
""",
    )
    point = point_of({**sweep.fixed, **sweep.points[0]}, sweep.folder)
    assert (point.config.window, point.config.columns, point.config.head_dim) == (32, 8, 8)
    assert (point.analog.cell_area_um2, point.analog.dac_bit_pj) == (5.0, 3.0)
    assert point.faults.read_noise == 0.25


def test_faults_of_a_design_are_those_of_the_cell(tmp_path):
    values = {"cell": "freepdk45_long", "faults.from_design": True, "faults.read_noise": 0.5}
    point = point_of(values, tmp_path)
    assert point.faults.gain_mismatch == pytest.approx(0.0607, rel=1e-2)
    assert point.faults.read_noise == 0.5
    assert point.config.full_scale_v == 0.8
    with pytest.raises(ValueError, match="needs a cell that is a characterised design"):
        point_of({"faults.from_design": True}, tmp_path)


@pytest.mark.parametrize("method", ["sobol", "random"])
def test_draws_stay_in_their_ranges_and_follow_the_seed(method):
    ranges = {
        "key_bits": Range(low=2, high=5),
        "score_saturation": Range(low=10.0, high=1000.0, scale="log"),
        "readout": Range(choices=("popcount", "counters")),
    }
    points = drawn(Draws(count=256, method=method), ranges)
    assert {point["key_bits"] for point in points} == {2, 3, 4, 5}
    assert {point["readout"] for point in points} == {"popcount", "counters"}
    values = np.array([point["score_saturation"] for point in points])
    assert values.min() >= 10
    assert values.max() <= 1000
    # Half of them below the geometric mean: 5 sigma of 256 independent draws is 40.
    assert abs(int((values < 100).sum()) - 128) <= 40
    assert points == drawn(Draws(count=256, method=method), ranges)
    assert points != drawn(Draws(count=256, method=method, seed=1), ranges)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[grid]\ncolumns = [8]\n", "metrics must be a list of some of latency, interval"),
        ('metrics = ["latncy"]\n[grid]\ncolumns = [8]\n', 'nearest known: "latency"'),
        (METRICS + "[grid]\ncolums = [8]\n", 'unknown name "colums" (nearest known: "columns")'),
        (METRICS + "[grids]\ncolumns = [8]\n", 'unknown key "grids" (nearest known: "grid")'),
        (METRICS + "[grid.faults]\nread_noise = [1.0]\n", '"faults.write_error_v"'),
        (METRICS, "nothing varies"),
        (METRICS + "[grid]\ncolumns = []\n", "[grid] columns has no values"),
        (METRICS + "[list]\ncolumns = [8]\nwindow = [16, 32]\n", "columns 1, window 2"),
        (METRICS + "[head]\ncolumns = 8\n[grid]\ncolumns = [8]\n", "columns is set twice"),
        (METRICS + "[faults]\nread_nois = 1\n[grid]\ncolumns = [8]\n", '"read_noise"'),
        (METRICS + "[draws]\ncount = 4\n", "needs a table [draws.range]"),
        (METRICS + "[draws]\ncount = 4\n[draws.range]\ncolumns = {low = 4}\n", "low and high"),
        (METRICS + "[draws]\n[draws.range]\ncolumns = {low = 4, high = 8}\n", "count is missing"),
        (METRICS + 'config = "gpt3"\n[grid]\ncolumns = [8]\n', "neither a file nor a preset"),
        (METRICS + 'named_only = ["area"]\n[named.a]\nsink = 1\n', "named_only must be of the"),
        (METRICS + 'named_only = ["latency"]\n[grid]\nsink = [1]\n', "no point is in [named]"),
        (
            'metrics = ["divergence"]\n[grid]\ncolumns = [8]\n',
            "the metric divergence needs model and texts in [model]",
        ),
        (
            'metrics = ["power"]\n[grid]\ncolumns = [8]\n',
            "the metric power needs energies of cells: give [synth] liberty, or take analog_energy",
        ),
        (METRICS + 'shade = "area"\n[grid]\nsink = [1]\n', "shade must be of the metrics"),
        (METRICS + 'mark = ["b"]\n[named.a]\nsink = 1\n', 'mark has "b", no name in [named]'),
        (METRICS + "[grid]\nsink = [1]\nwindow = [64]\n[named.a]\nsink = 1\n", "a lacks window"),
        (METRICS + "[grid]\nsink = [1]\n[named.a]\nsink = 1\nwindow = 64\n", "does not vary"),
        (METRICS + "[named.a]\nsink = 1\n[named.b]\nwindow = 64\n", "a, the first point there"),
        (METRICS + "[named.a]\nsinks = 1\n", 'unknown name "sinks"'),
        (METRICS + "[named]\nsink = 1\n", "[named.sink]"),
        (METRICS + 'pareto = [["latency", "area"]]\n[grid]\ncolumns = [8]\n', "list of pairs"),
        (
            METRICS + "[draws]\ncount = 4\n[draws.range]\nsink = {low = 0, high = 8, scale = "
            '"log"}\n',
            "above 0",
        ),
    ],
)
def test_wrong_files_are_refused_in_one_sentence(tmp_path, text, sentence):
    with pytest.raises((TypeError, ValueError)) as caught:
        sweep_of(tmp_path, text)
    assert sentence in str(caught.value)
    assert str(caught.value).startswith(f"sweep {tmp_path / 'sweep.toml'}: ")


def test_named_points_follow_the_others_and_alone_have_the_dear_metrics(tmp_path):
    sweep = sweep_of(
        tmp_path,
        """metrics = ["latency", "perplexity"]
named_only = ["perplexity"]
[grid]
columns = [32, 64]
window = [512]
[named."the first"]
window = 1024
columns = 64
[named]
small = {columns = 16}
[model]
model = "m"
texts = ["a.txt"]
""",
    )
    assert [sweep.name_of(n) for n in range(4)] == ["", "", "the first", "small"]
    assert sweep.points[3] == {"columns": 16, "window": 1024}
    assert list(sweep.points[3]) == ["columns", "window"]
    assert sweep.metrics_of(1) == ("latency",)
    assert sweep.metrics_of(2) == ("latency", "perplexity")
    assert sweep.mark == ("the first", "small")


def test_several_lists_make_every_combination_of_their_rows(tmp_path):
    sweep = sweep_of(
        tmp_path,
        METRICS
        + "[[list]]\ncolumns = [32, 64]\noutput_saturation = [20, 40]\n"
        + "[[list]]\nkey_bits = [2, 3, 4]\nvalue_bits = [2, 3, 4]\n",
    )
    assert len(sweep.points) == 6
    assert sweep.points[4] == {
        "columns": 64,
        "output_saturation": 40,
        "key_bits": 3,
        "value_bits": 3,
    }


def test_the_study_and_its_table_have_the_same_points():
    root = Path(__file__).parents[2]
    sweep = read_sweep(root / "benchmarks" / "study" / "study.toml")
    with (root / "docs" / "evidence" / "tables" / "study.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == list(sweep.names)
    for row, point in zip(rows, sweep.points, strict=True):
        for name, value in point.items():
            assert (row[name] if isinstance(value, str) else float(row[name])) == value
