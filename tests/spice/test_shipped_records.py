"""The shipped records are of the shipped designs, and their figures stand on the page."""

from pathlib import Path

import pytest

from gaincell.design_file import SHIPPED
from gaincell.design_file import shipped_designs as shipped_records
from gaincell.spice.derived import derived
from gaincell.spice.design import load_design, shipped_designs
from gaincell.tables import read_json


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


def test_the_page_gives_the_records_figures(record):
    page = Path(__file__).parents[2] / "docs" / "do" / "characterise.md"
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
    assert row in page.read_text()
