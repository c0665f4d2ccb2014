"""Sizes against goals: what is tried, what is chosen, and what the table says."""

import re
from dataclasses import replace

import pytest

from gaincell.spice.design import load_design
from gaincell.spice.ngspice import NoResult
from gaincell.spice.sizing import __main__ as command
from gaincell.spice.sizing import search as search_module
from gaincell.spice.sizing.figures import cell_figures
from gaincell.spice.sizing.goals import CellFigures, Figures, Goals, load_goals
from gaincell.spice.sizing.search import Axis, search

CELL = CellFigures(full_scale_fc=26.0, proportion=0.01, gain_mismatch=0.05, read_noise=0.002)
FINE = Figures(
    cell=CELL,
    column_error=0.008,
    slope_spread=0.02,
    energy_j=1e-12,
    cell_um2=2.0,
    converters_um2=800.0,
)


@pytest.fixture
def design():
    """With sizes of its own, as the ones that are shipped may change."""
    shipped = load_design("freepdk45")
    sizes = {"c_score": 0.8e-12, "w_ramp": 1.44e-6, "l_ramp": 400e-9, "l_read": 1e-6}
    return replace(shipped, sizes={**shipped.sizes, **sizes})


@pytest.fixture
def measured(monkeypatch):
    """Columns are better and dearer with a larger capacitor, slopes with longer mirrors."""
    cells = []

    def of_cell(design, seed):
        cells.append(design)
        return None, replace(CELL, gain_mismatch=0.05 * 1e-6 / design.sizes["l_read"])

    def of_all(design, fitted, cell, seed):
        pf = design.sizes["c_score"] * 1e12
        if pf > 3:
            raise NoResult("the column has no result")
        slopes = 0.08 * 400e-9 / design.sizes["l_ramp"]
        return replace(
            FINE, cell=cell, column_error=0.016 / pf, slope_spread=slopes, energy_j=pf * 1e-12
        )

    monkeypatch.setattr(search_module, "cell_figures", of_cell)
    monkeypatch.setattr(search_module, "figures", of_all)
    monkeypatch.setattr(search_module, "centred", lambda design: design)
    return cells


def axes_of(design, *texts):
    return [Axis.of(text, design) for text in texts]


def test_chooses_the_least_energy_that_meets_the_goals(design, measured):
    axes = axes_of(design, "c_score=1.6e-12,2e-12,4e-12", "w_ramp,l_ramp=x2,x4")
    tried, best = search(design, axes, Goals(), 1)
    assert len(tried) == 1 + 3 + 2
    assert best.changed == pytest.approx(
        {"c_score": 1.6e-12, "w_ramp": 4 * 1.44e-6, "l_ramp": 1.6e-6}
    )
    assert best.figures.missed(Goals()) == {}
    assert tried[3].why == "the column has no result"


def test_a_later_axis_starts_from_the_best_so_far(design, measured):
    tried, _ = search(design, axes_of(design, "c_score=2e-12", "l_ramp=x4"), Goals(), 1)
    assert tried[-1].changed == pytest.approx({"c_score": 2e-12, "l_ramp": 1.6e-6})


def test_the_cell_is_measured_again_only_if_its_sizes_change(design, measured):
    search(design, axes_of(design, "c_score=1e-12,2e-12", "l_read=2e-6"), Goals(), 1)
    assert [each.sizes["l_read"] for each in measured] == [1e-6, 2e-6]


def test_without_sizes_that_meet_the_goals_the_nearest_is_chosen(design, measured):
    goals = Goals(column_error=0.001)
    tried, best = search(design, axes_of(design, "c_score=1e-12,2.4e-12"), goals, 1)
    assert best is tried[2]
    assert set(best.figures.missed(goals)) == {"column_error", "slope_spread"}
    assert "missed: column_error, slope_spread" in command._verdict(best, goals)


def test_the_table_marks_what_misses_its_goal(design, measured):
    tried, _ = search(design, axes_of(design, "c_score=2e-12,4e-12"), Goals(), 1)
    assert "| **2.00** | **8.00** |" in command.row(tried[0], Goals())
    assert "| c_score = 2e-12 |" in command.row(tried[1], Goals())
    assert "| 0.80 | **8.00** |" in command.row(tried[1], Goals())
    for each in tried:
        assert command.row(each, Goals()).count("|") == len(command.HEADER) + 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("l_reed=1", 'no size "l_reed" (nearest known: "l_read")'),
        ("l_read=", "must be sizes"),
        ("l_read", "must be sizes"),
        ("l_read=-1", "must be sizes"),
        ("l_read=xnan", "must be sizes"),
        ("w_ramp,l_ramp=2", "must be sizes"),
    ],
)
def test_refuses_what_is_no_axis(design, text, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        Axis.of(text, design)


def test_goals_come_from_a_file(tmp_path):
    path = tmp_path / "goals.toml"
    path.write_text("[goals]\ncolumn_error = 0.02\n")
    assert load_goals(path) == Goals(column_error=0.02)
    for text, said in (
        ("[goals]\ncolumns = 1\n", 'unknown key "columns"'),
        ("[goals]\ncolumn_error = 0\n", "column_error is 0, but must be above 0"),
        ("[goal]\n", 'unknown table "goal"'),
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=f"goals.toml.*{re.escape(said)}"):
            load_goals(path)


@pytest.mark.needs("ngspice", "freepdk45")
def test_a_longer_read_transistor_matches_better_and_gives_less_charge(design):
    longer = replace(design, sizes={**design.sizes, "l_read": 2e-6})
    (_, short), (_, long) = (cell_figures(each, 1) for each in (design, longer))
    assert long.full_scale_fc < 0.7 * short.full_scale_fc
    assert long.gain_mismatch < short.gain_mismatch
    assert 1e-4 < short.read_noise < 0.01
