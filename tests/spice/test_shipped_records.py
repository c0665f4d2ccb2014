"""The shipped records are of the shipped designs, and their figures stand on the page."""

from pathlib import Path

import numpy as np
import pytest

from gaincell.behavioral.faults import Faults
from gaincell.design_file import SHIPPED
from gaincell.design_file import shipped_designs as shipped_records
from gaincell.spice.derived import derived
from gaincell.spice.design import load_design, shipped_designs
from gaincell.tables import read_json

PAGE = Path(__file__).parents[2] / "docs" / "do" / "characterise.md"
LARGEST_ERROR = 0.01
"""Of a random column against the head's arithmetic, fraction of a full pulse."""


@pytest.fixture(params=shipped_records())
def record(request):
    return read_json(SHIPPED / f"{request.param}.json", "design")


def test_every_design_has_its_record():
    assert shipped_records() == shipped_designs()


def test_a_record_is_of_its_design(record):
    design = load_design(record["design"]["name"])
    assert record["design"]["sha256"] == design.sha256
    assert record["sizes"] == dict(design.sizes)
    assert record["derived"] == derived(record)


def test_a_record_is_of_a_whole_measurement(record):
    assert record["reports"] == []
    assert record["cell"]["residual"] <= 0.005
    assert record["cell"]["width_residual"] <= 0.001
    assert record["mismatch"]["cells"] >= 24
    score = record["score"]
    assert len(score["columns"]["charge_fc"]) >= 30
    assert min(score["columns"]["charge_fc"]) < 0
    assert max(score["columns"]["predicted_s"]) == score["full_s"]
    assert len(record["output"]["columns"]["charge_fc"]) >= 30
    for stage in ("score", "output"):
        largest = record[stage]["columns"]["largest_error"]
        assert largest <= LARGEST_ERROR


def test_pulses_begin_between_two_samples(record):
    levels = record["levels"]
    for delay_s in record["output"]["delay_s"]:
        past = delay_s / levels["clock_s"] - levels["late_cycles"]
        assert past == pytest.approx(0.5, abs=0.1)


def test_parts_of_a_token_s_energy_sum_up_to_what_a_head_takes(record):
    parts, analog = record["derived"]["token_energy_j"], record["derived"]["analog"]
    for name, key in (("first", "key_cell_pj"), ("second", "value_cell_pj")):
        found = sum(each for part, each in parts.items() if part.startswith(name))
        assert found * 1e12 == pytest.approx(64 * 1024 * analog[key])
    written = sum(each for part, each in parts.items() if not part.startswith(("first", "second")))
    assert written * 1e12 == pytest.approx(2 * 64 * 3 * analog["dac_bit_pj"])


def test_everything_that_takes_energy_is_simulated_or_counted(record):
    parts = record["derived"]["token_energy_j"]
    assert [part for part, each_j in parts.items() if each_j is None or each_j <= 0] == []


def test_dacs_meet_the_goals_of_their_sizes(record):
    """Single rows to a fiftieth of a step, random codes to a tenth, equal codes to half of one."""
    dac, levels = record["dac"], record["levels"]
    step_v = (levels["full_scale_v"] - levels["lowest_v"]) / 7
    assert np.max(np.abs(dac["level_error_v"])) < step_v / 50
    assert dac["drawn_worst_v"] < step_v / 10
    assert np.max(np.abs(dac["together_error_v"])) < step_v / 2


def test_converters_that_differ_are_faults_of_a_head(record):
    faults = Faults(**record["derived"]["faults"])
    for name, key in (("comparator_offset", "offset_sigma"), ("ramp_gain_error", "gain_sigma")):
        squares = [record[stage]["spread"][key] ** 2 for stage in ("score", "output")]
        assert getattr(faults, name) == pytest.approx(np.sqrt(np.mean(squares)))
    assert record["score"]["spread"]["converters"] >= 8
    assert 0 < faults.pulse_jitter_cycles < 0.2


def test_the_page_gives_the_energy_of_a_token_by_part():
    records = [read_json(SHIPPED / f"{name}.json", "design") for name in shipped_records()]
    tables = [record["derived"]["token_energy_j"] for record in records]

    rows = [
        f"| {part} | {' | '.join(f'{each[part] * 1e12:.1f}' for each in tables)} |"
        for part in tables[0]
    ]
    page = PAGE.read_text()
    assert [row for row in rows if row not in page] == []


def test_the_page_gives_the_records_figures(record):
    cell, score, output = record["cell"], record["score"], record["output"]
    parts = ("reset_j", "integrate_j", "convert_j")
    figures = [
        f"{cell['residual']:.2%}",
        f"{cell['width_residual']:.3%}",
        f"{score['columns']['largest_error']:.1%}",
        f"{output['columns']['largest_error']:.1%}",
        f"{sum(score['energy'][part] for part in parts) * 1e15:.0f} fJ",
        f"{sum(output['energy'][part] for part in parts) * 1e15:.0f} fJ",
    ]
    row = f"| `{record['design']['name']}` | {' | '.join(figures)} |"
    assert row in PAGE.read_text()
