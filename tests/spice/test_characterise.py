"""A design from transistors to record, in a short form; each number held against another one."""

import json

import numpy as np
import pytest

from gaincell.behavioral.faults import Faults
from gaincell.cli import main
from gaincell.config import HeadConfig
from gaincell.spice.design import FOLDER
from gaincell.synth.estimate.analog import AnalogConfig

pytestmark = [pytest.mark.needs("ngspice", "freepdk45"), pytest.mark.cosim]


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    folder = tmp_path_factory.mktemp("design")
    options = ["--short", "--seed", "1", "--picture", str(folder / "design.png")]
    output = folder / "design.json"
    command = ["characterise", "--design", "freepdk45", *options, "-o", str(output)]
    assert main(command) == 0
    assert (folder / "design.png").stat().st_size > 20_000
    return json.loads(output.read_text())


def test_nothing_is_missing(record):
    assert record["reports"] == []
    assert record["design"]["models"].startswith("c4m-pdk-freepdk45 ")
    assert record["made"]["seed"] == 1


def test_cells_push_and_pull_in_proportion_to_the_width(record):
    cell = record["cell"]
    charge = cell["codes_charge_fc"]
    assert np.all(np.diff(charge) > 0)
    assert charge[0] < -10 < 10 < charge[-1]
    assert cell["residual"] <= 0.005
    assert cell["width_residual"] <= 0.001


def test_pulses_grow_with_the_charge_and_nothing_else(record):
    for stage in ("score", "output"):
        found = record[stage]
        lines = [line for line in found["lines"].values() if line]
        assert all(line["residual"] < 0.005 for line in lines)
        assert all(abs(line["offset_s"]) < 0.02 * found["full_s"] for line in lines)
        assert found["columns"]["largest_error"] < 0.02
    signs = np.sign(record["output"]["pulse_s"])
    assert np.all(signs * np.sign(record["output"]["charge_fc"]) >= 0)
    assert record["score"]["pulse_s"][-1] == 0


def test_the_safe_tau_is_safe_against_the_table(record):
    held = record["retention"]
    config = HeadConfig(refresh=False, **record["derived"]["config"])
    own = record["levels"]["write_off_v"]
    rows = [row for row in held["table"] if row["write_line_v"] == own]
    shortest = min(time for row in rows for time in row["half_step_s"] if time is not None)
    assert config.refresh_s == pytest.approx(shortest)


def test_what_is_derived_is_what_a_head_takes(record):
    derived = record["derived"]
    config = HeadConfig(refresh=False, **derived["config"])
    for code in range(8):
        volts = config.full_scale_v * code / 7 - config.center_v
        said = np.polynomial.polynomial.polyval(volts, config.cell_coefficients)
        measured = record["cell"]["codes_charge_fc"][code]
        assert said == pytest.approx(measured, abs=0.006 * record["cell"]["full_scale_fc"])
    Faults(**derived["faults"])
    analog = AnalogConfig(**derived["analog"])
    assert 0 < analog.key_cell_pj < 1120 / 65536
    assert 0 < analog.value_cell_pj < 700 / 65536


def test_converters_with_their_own_thresholds_differ_a_little(record):
    for stage in ("score", "output"):
        found = record[stage]["spread"]
        assert found["converters"] == 2
        assert 0 < found["offset_sigma"] < 0.05
        assert 0 < found["gain_sigma"] < 0.15


def test_a_cell_without_a_response_ends_with_a_report(tmp_path, capsys):
    for file in (FOLDER / "freepdk45").iterdir():
        text = file.read_text()
        # a read transistor that the stored voltage does not reach: no charge at all
        broken = text.replace("mn n s vss vss", "mn n vss vss vss").replace(
            "mp p s vdd vdd", "mp p vdd vdd vdd"
        )
        (tmp_path / file.name).write_text(broken)
    output = tmp_path / "design.json"
    assert main(["characterise", "--design", str(tmp_path), "--short", "-o", str(output)]) == 1
    assert "the cell does not push and pull" in capsys.readouterr().err
    assert not output.exists()
