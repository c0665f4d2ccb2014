"""Rows of the table: figures equal to the commands', reasons, the front, both formats."""

import csv
import json
from dataclasses import replace
from math import exp

import numpy as np
import pytest
from sweeps import write_sweep

from gaincell.behavioral.attention import attend, unread_charge
from gaincell.behavioral.tokens import typical_tokens
from gaincell.cli import main
from gaincell.config_file import load_config
from gaincell.sweep.inputs import codes_of, tokens_of
from gaincell.sweep.jobs import Job, job_of, measure
from gaincell.sweep.kept import keep, read_kept
from gaincell.sweep.metrics import METRICS
from gaincell.sweep.page import page_of, panels_of
from gaincell.sweep.pareto import front
from gaincell.sweep.picture import draw_pareto
from gaincell.sweep.point import point_of
from gaincell.sweep.run import Row, jobs_of, plan, rows_of
from gaincell.sweep.settings import TokenSettings
from gaincell.sweep.sweep_file import read_sweep
from gaincell.sweep.table import CSV, PARQUET, columns_of, write_table
from gaincell.synth.estimate.activity import measure_activity
from gaincell.synth.estimate.analog import AnalogConfig
from gaincell.synth.estimate.digital import reference_metrics
from gaincell.synth.estimate.system import Estimate


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GAINCELL_CACHE", str(tmp_path / "cache"))


def rows_here(path):
    """The rows of a sweep whose jobs run in this process."""
    sweep = read_sweep(path)
    points = plan(sweep)
    outcomes = {place: measure(job) for place, job in jobs_of(points).items()}
    return sweep, rows_of(sweep, points, outcomes)


def test_figures_are_those_of_the_estimate(tmp_path):
    path = tmp_path / "sweep.toml"
    path.write_text(
        'metrics = ["area", "energy", "power", "fmax", "latency", "interval", "analog_area"]\n'
        '[synth]\nshipped = true\n[tokens]\ncount = 40\n[grid]\nconfig = ["gpt2"]\n'
        '"beside.recent" = [0, 32]\n'
    )
    _, (plain, beside) = rows_here(path)
    config = load_config("gpt2")
    tokens, _ = typical_tokens(config, 0)
    estimate = Estimate(
        config=config,
        analog=AnalogConfig(),
        activity=measure_activity(tokens[:40], "", config),
        digital=reference_metrics(config),
        beside=point_of({"beside.recent": 32}, tmp_path).beside,
    )
    for row, with_it in ((plain, False), (beside, True)):
        head = estimate.system(1, 1, beside=with_it)
        assert row.reason == ""
        assert row.metrics["area"] == pytest.approx(head.area_mm2.high, rel=1e-11)
        assert row.metrics["energy"] == pytest.approx(head.energy_j.high * 1e9, rel=1e-11)
        assert row.metrics["latency"] == pytest.approx(head.latency_s * 1e9, rel=1e-11)
        assert row.metrics["interval"] == pytest.approx(head.interval_s * 1e9, rel=1e-11)
        power_mw = head.energy_j.high / head.interval_s * 1e3
        assert row.metrics["power"] == pytest.approx(power_mw, rel=1e-11)
        assert row.metrics["fmax"] == pytest.approx(estimate.fmax_hz.low * 1e-6, rel=1e-11)
    assert plain.metrics["analog_area"] < plain.metrics["area"] < beside.metrics["area"]


@pytest.mark.slow
@pytest.mark.needs("synth")
def test_area_is_that_of_gaincell_synth(tmp_path, monkeypatch):
    monkeypatch.delenv("PDK_ROOT", raising=False)
    path = tmp_path / "sweep.toml"
    path.write_text(
        'metrics = ["area", "analog_area"]\nconfig = "tiny"\n'
        "[tokens]\ncount = 5\n[grid]\nscore_saturation = [8.0, 9.0]\n"
    )
    sweep = read_sweep(path)
    assert len([j for j in jobs_of(plan(sweep)).values() if j.kind == "synthesis"]) == 1
    _, rows = rows_here(path)
    folder = tmp_path / "run"
    assert main(["synth", "--config", "tiny", "--tokens", "0", "-o", str(folder)]) == 0
    metrics = json.loads((folder / "metrics.json").read_text())
    digital_mm2 = rows[0].metrics["area"] - rows[0].metrics["analog_area"]
    # From 45 nm to 28 nm by Stillmaker and Baas, 0.37, or by constant field: (28 / 45) ** 2.
    factor = max(0.37, (28 / 45) ** 2)
    assert digital_mm2 * 1e6 == pytest.approx(metrics["area"]["cells_um2"] * factor, rel=1e-6)
    assert rows[1].metrics["area"] == rows[0].metrics["area"]


def test_one_wrong_point_is_a_row_with_its_reason(tmp_path):
    sweep, rows = rows_here(write_sweep(tmp_path))
    assert len(rows) == 18
    for row in rows:
        if row.values["key_bits"] == 9:
            assert row.reason == "key_bits is 9, but must be 1..8"
            assert set(row.metrics.values()) == {None}
        else:
            assert row.reason == ""
            assert row.metrics["code_error"] > 0
            assert row.metrics["latency"] == 59
    columns = columns_of(sweep, rows)
    assert sum(columns["pareto"]) >= 1
    assert not any(
        best for best, reason in zip(columns["pareto"], columns["reason"], strict=True) if reason
    )


def test_missing_files_are_reasons_and_leave_the_other_metrics(tmp_path):
    path = tmp_path / "sweep.toml"
    path.write_text(
        'metrics = ["latency", "perplexity", "analog_energy"]\nconfig = "tiny"\n'
        '[model]\nmodel = "no-model"\ntexts = ["no.txt"]\ninit = "none"\n'
        '[grid]\n"tokens.input" = ["codes.npz"]\n'
    )
    _, (row,) = rows_here(path)
    assert row.metrics == {"latency": 59.0, "perplexity": None, "analog_energy": None}
    assert f"perplexity: {tmp_path / 'no.txt'} cannot be read: No such file" in row.reason
    assert f"activity: {tmp_path / 'codes.npz'} cannot be read" in row.reason


def test_a_result_is_named_by_content_code_and_inputs_and_not_by_places(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "codes.npz").write_bytes(b"the same")

    def place(values, folder="a"):
        own = {"tokens.input": "codes.npz", **values}
        return job_of("activity", point_of(own, tmp_path / folder)).place

    base = place({})
    assert place({}, "b") == base
    assert place({"columns": 32}) != base
    assert place({"tokens.seed": 1}) != base
    (tmp_path / "b" / "codes.npz").write_bytes(b"another")
    assert place({}, "b") != base


def test_a_worker_with_other_code_fails_and_nothing_is_kept(tmp_path):
    job = job_of("activity", point_of({"config": "tiny", "tokens.count": 5}, tmp_path))
    good = measure(job)
    assert set(good["result"]) == {"key", "value"}
    outcome = measure(Job(job.kind, job.inputs, job.place, "another"))
    assert "another gaincell" in outcome["failed"]
    keep(job.place, outcome)
    assert read_kept(job.place) is None
    keep(job.place, good)
    assert read_kept(job.place) == good
    job.place.write_text(job.place.read_text()[:20])
    assert read_kept(job.place) is None


def test_faults_of_the_machine_and_of_the_code_are_told_apart(tmp_path, monkeypatch):
    from gaincell.sweep.measures import activity

    job = job_of("activity", point_of({"config": "tiny"}, tmp_path))
    for error, key in (
        (ValueError("wrong"), "refused"),
        (OSError(28, "No space left on device"), "failed"),
        (AssertionError("odd"), "failed"),
    ):

        def stop(inputs, error=error):
            raise error

        monkeypatch.setattr(activity, "measure", stop)
        outcome = measure(job)
        assert key in outcome
    assert outcome["failed"] == "a fault of gaincell: AssertionError: odd"


def row(**metrics):
    return Row({}, metrics, "")


def test_front_holds_what_no_other_point_beats():
    rows = [
        row(area=1.0, fmax=1.0),
        row(area=2.0, fmax=2.0),
        row(area=2.0, fmax=1.5),
        row(area=0.5, fmax=None),
        row(area=2.0, fmax=2.0),
    ]
    assert front(rows, ("area", "fmax")) == [True, True, False, False, True]
    assert front(rows, ("area",)) == [False, False, False, True, False]


@pytest.mark.needs("sweep")
def test_both_formats_hold_the_same_table(tmp_path):
    from pyarrow import parquet

    path = tmp_path / "sweep.toml"
    path.write_text(
        'metrics = ["latency", "interval"]\nconfig = "tiny"\n'
        '[grid]\ncell = ["cubic", [0.0, 1.0]]\nclock_s = [1e-9, 2e-9, "x"]\nrefresh = [true]\n'
    )
    sweep, rows = rows_here(path)
    write_table(columns_of(sweep, rows), tmp_path)
    whole = parquet.read_table(tmp_path / PARQUET).to_pylist()
    with (tmp_path / CSV).open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(whole) == len(lines) == 6
    assert [line["cell"] for line in lines] == [each["cell"] for each in whole]
    assert whole[3]["cell"] == "[0.0, 1.0]"
    assert whole[1]["latency_ns"] == float(lines[1]["latency_ns"]) == 118.0
    assert whole[2]["latency_ns"] is None
    assert lines[2]["latency_ns"] == ""
    assert 'clock_s is "x", but must be a number' in lines[2]["reason"]
    assert whole[0]["refresh"] is True


def test_output_error_counts_rounding_of_codes_and_of_the_read_out(tmp_path):
    """From codes of 8 bits; by a plain reckoning of lines through the outputs of a dimension."""
    config = load_config("tiny")
    rng = np.random.default_rng(3)
    wide = {name: rng.integers(0, 256, (40, 8)) for name in "qkv"}
    np.savez(tmp_path / "wide.npz", **wide)
    values = {"config": "tiny", "tokens.input": "wide.npz", "tokens.input_bits": 8}

    def measured(**changes):
        point = point_of({**values, **changes}, tmp_path)
        return measure(job_of("code_error", point))["result"]

    narrow = {
        "q": np.rint(wide["q"] * (15 / 255)),
        "k": np.rint(wide["k"] * (7 / 255)),
        "v": np.rint(wide["v"] * (7 / 255)),
    }
    found = attend(*(narrow[name].astype(int) for name in "qkv"), config)
    eight = {"query_bits": 8, "key_bits": 8, "value_bits": 8}
    charge = unread_charge(*wide.values(), replace(config, **eight, refresh=False))
    left, whole = 0.0, 0.0
    for dim in range(8):
        line = np.polynomial.Polynomial.fit(found[:, dim], charge[:, dim], 1)
        left += ((charge[:, dim] - line(found[:, dim])) ** 2).sum()
        whole += ((charge[:, dim] - charge[:, dim].mean()) ** 2).sum()
    plain = measured()
    assert plain["mean"] == 0
    assert plain["unexplained"] == pytest.approx((left / whole) ** 0.5, rel=1e-9)
    fine = {**eight, "readout_bits": 8, "output_saturation": 20.0, "refresh": False}
    finer = measured(**fine)
    assert finer["unexplained"] < 0.1 * plain["unexplained"]
    assert measured(**fine, **{"faults.read_noise": 0.5})["unexplained"] > finer["unexplained"]
    with pytest.raises(ValueError, match="query_bits is 4, but must be at most"):
        tokens_of(codes_of(TokenSettings(input="wide.npz", input_bits=2), tmp_path), config)
    with pytest.raises(ValueError, match="input_bits is 8, but input is missing"):
        codes_of(TokenSettings(input_bits=8), tmp_path)


def test_metrics_of_a_start_are_means_of_windows_with_their_errors(tmp_path):
    point = point_of({"config": "tiny"}, tmp_path)
    results = {"perplexity": {"over_stock": [[0.1, 0.01], [0.3, 0.05]]}}
    assert METRICS["perplexity_ratio"].value(point, results) == pytest.approx(exp(0.2))
    error = exp(0.2) * 0.1
    assert METRICS["perplexity_ratio_error"].value(point, results) == pytest.approx(error)
    assert METRICS["divergence"].value(point, results) == pytest.approx(0.03)
    assert METRICS["divergence_error"].value(point, results) == pytest.approx(0.02)
    for windows, sentence in (([], 'init is "none"'), ([[0.1, 0.01]], "needs two windows")):
        with pytest.raises(ValueError, match=sentence):
            METRICS["divergence_error"].value(point, {"perplexity": {"over_stock": windows}})


def test_points_without_a_name_lack_dear_metrics_without_a_reason(tmp_path):
    path = tmp_path / "sweep.toml"
    path.write_text(
        'metrics = ["analog_area", "latency", "code_error"]\nconfig = "tiny"\n'
        'named_only = ["code_error"]\nshade = "code_error"\nmark = ["b"]\n[tokens]\ncount = 5\n'
        "[grid]\ncolumns = [4, 8]\n[named]\na = {columns = 4}\nb = {columns = 16}\n"
    )
    sweep, rows = rows_here(path)
    assert len([job for job in jobs_of(plan(sweep)).values() if job.kind == "code_error"]) == 2
    assert [row.metrics["code_error"] is None for row in rows] == [True, True, False, False]
    assert {row.reason for row in rows} == {""}
    assert columns_of(sweep, rows)["name"] == ["", "", "a", "b"]
    panel = panels_of(sweep, rows)[0]
    assert (panel.named, panel.marked, panel.shades[:2]) == ([2, 3], {3: "b"}, [None, None])
    draw_pareto([panel], tmp_path / "p.svg", "mean error")
    assert "The points with names" in page_of("sweep.toml", sweep, rows, {})
