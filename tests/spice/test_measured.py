"""Measurements in place of simulations: made-up ones of a design give the design again."""

import json
from pathlib import Path

import numpy as np
import pytest

from gaincell.behavioral.faults import Faults
from gaincell.cli import main
from gaincell.config_file import load_config
from gaincell.design_file import SHIPPED
from gaincell.spice.measured.example import write_example
from gaincell.spice.measured.folder import load_data
from gaincell.spice.measured.record import measured_record
from gaincell.tables import read_json

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "do" / "measured_example"


@pytest.fixture(scope="module")
def truth():
    return read_json(SHIPPED / "freepdk45_long.json", "design")


def distances(record, truth):
    """Of the fitted charge from the design's at each code, in standard errors."""
    cell, levels = record["cell"], truth["levels"]
    covariance = np.array(cell["covariance_fc2"])
    volts = np.linspace(levels["lowest_v"], levels["full_scale_v"], 8) - cell["center_v"]
    powers = volts[:, None] ** np.arange(len(covariance))
    wanted = np.polynomial.polynomial.polyval(volts, truth["cell"]["coefficients_fc"])
    sigma = np.sqrt(np.einsum("ij,jk,ik->i", powers, covariance, powers))
    return (powers @ cell["coefficients_fc"] - wanted) / sigma


@pytest.mark.parametrize("seed", range(4))
def test_made_up_measurements_give_the_design_within_the_error_bars(truth, tmp_path, seed):
    write_example("freepdk45_long", seed, tmp_path)
    record = measured_record(load_data(tmp_path))
    # ten devices: Student's t of 9 degrees of freedom is beyond 5.5 once in 2600 draws
    assert np.max(np.abs(distances(record, truth))) < 5.5
    held, wanted = record["retention"], truth["retention"]["table"][0]["half_step_s"]
    shortest = min(each for each in wanted if each is not None)
    # five devices: t of 4 degrees of freedom is beyond 9 once in 1200 draws
    assert abs(held["half_step_s"] - shortest) < 9 * held["half_step_error_s"]
    # 10 devices: the deviation of a deviation is a quarter
    faults = Faults(**record["derived"]["faults"])
    assert faults.gain_mismatch == pytest.approx(truth["mismatch"]["gain_sigma"], rel=1.0)


def test_the_shipped_example_is_what_its_maker_writes(tmp_path):
    write_example("freepdk45_long", 1, tmp_path)
    for file in ("data.toml", "charge.csv", "retention.csv"):
        assert (tmp_path / file).read_text() == (EXAMPLE / file).read_text()


def test_command_names_gaps_and_outliers_and_a_head_takes_the_file(tmp_path, capsys):
    output = tmp_path / "design.json"
    picture = ["--picture", str(tmp_path / "design.png")]
    assert main(["characterise", "--data", str(EXAMPLE), "-o", str(output), *picture]) == 0
    said = capsys.readouterr().out
    assert "charge.csv, line 101: no charge" in said
    outliers = [line for line in said.splitlines() if "is left out" in line]
    assert len(outliers) == 1
    assert "charge 250 fC" in outliers[0]
    config = tmp_path / "head.toml"
    config.write_text('cell = "design.json"\nwindow = 256\n')
    head = load_config(config)
    cell = json.loads(output.read_text())["cell"]
    assert head.cell_coefficients == pytest.approx(cell["coefficients_fc"])


def test_a_current_is_a_charge_over_the_pulse(tmp_path):
    for file in EXAMPLE.iterdir():
        text = file.read_text()
        if file.name == "charge.csv":
            head, *rows = text.splitlines()
            cells = [row.split(",") for row in rows]
            lines = [
                ",".join([*row[:4], f"{float(row[4]) / float(row[3]):.9f}" if row[4] else ""])
                for row in cells
            ]
            text = "\n".join([head.replace("charge [fC]", "current [uA]"), *lines]) + "\n"
        name = file.name.replace("charge", "current")
        (tmp_path / name).write_text(text)
    one, other = (measured_record(load_data(folder)) for folder in (EXAMPLE, tmp_path))
    assert other["cell"]["charge_fc"] == pytest.approx(one["cell"]["charge_fc"], rel=1e-6)


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("charge.csv", "width [ns]", "width", 'column "width" must have its unit in brackets'),
        ("charge.csv", "width [ns]", "breadth [ns]", 'unknown column "breadth [ns]"'),
        ("charge.csv", "stored [V]", "stored [K]", 'column "stored [K]" must have its unit'),
        ("data.toml", "full_scale_v = 0.9", "full_scale_v = 0.05", "must be below full_scale_v"),
        ("data.toml", "full_scale_v = 0.9", "full_scale = 0.9", "full_scale"),
    ],
)
def test_refuses_a_wrong_table_with_one_sentence(tmp_path, capsys, file, old, new, said):
    for each in EXAMPLE.iterdir():
        (tmp_path / each.name).write_text(each.read_text())
    wrong = tmp_path / file
    wrong.write_text(wrong.read_text().replace(old, new))
    output = tmp_path / "design.json"
    assert main(["characterise", "--data", str(tmp_path), "-o", str(output)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not output.exists()


def test_voltages_that_do_not_reach_the_codes_end_with_a_report(tmp_path, capsys):
    for each in EXAMPLE.iterdir():
        (tmp_path / each.name).write_text(each.read_text())
    settings = tmp_path / "data.toml"
    settings.write_text(settings.read_text().replace("full_scale_v = 0.9", "full_scale_v = 1.2"))
    output = tmp_path / "design.json"
    assert main(["characterise", "--data", str(tmp_path), "-o", str(output)]) == 1
    assert "stored voltages reach from 0.1 to 0.9 V" in capsys.readouterr().err
    assert not output.exists()
