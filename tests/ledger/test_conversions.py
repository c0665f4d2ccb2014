"""Units of accelerators' figures, and figures that are converted, against sums by hand."""

import pytest

from gaincell.ledger.arithmetic import evaluate
from gaincell.ledger.conversions import CONVERSIONS, UNITS, Figure, Mark, complete, in_unit

SIZES = {"head_dim": 64, "keys": 1024, "heads": 1}


@pytest.mark.parametrize(
    ("quantity", "value", "unit", "expected"),
    [
        ("energy", 6100, "pJ", 6.1),
        ("energy", 6.1e-9, "J", 6.1),
        ("layer", 1.3, "mJ", 1.3e6),
        ("layer", 2, "uJ", 2000),
        ("queries", 9.045, "queries/uJ", 9045),
        ("efficiency", 467.68, "GOPS/W", 0.46768),
        ("latency", 22.37, "us", 22_370),
        ("latency", 65, "ns", 65),
        ("latency", 6.36e-6, "s", 6360),
    ],
)
def test_figures_are_brought_to_one_unit(quantity, value, unit, expected):
    figure = in_unit(quantity, value, 2 * value, unit, Mark.ABOUT)
    assert (figure.low, figure.high) == pytest.approx((expected, 2 * expected))
    assert figure.mark is Mark.ABOUT
    assert figure.by is None


def test_each_quantity_has_one_unit_of_its_own():
    for units in UNITS.values():
        assert list(units.values()).count(1.0) == 1


def test_energy_of_a_layer_becomes_all_figures_of_a_head():
    """12 heads take 73.2 nJ: 6.1 nJ each, and 262 144 operations in 6.1 nJ are 43 TOPS/W."""
    found = complete({"layer": Figure(low=73.2, high=73.2)}, SIZES | {"heads": 12})
    assert found["energy"].high == pytest.approx(6.1)
    assert found["queries"].high == pytest.approx(1e-3 / 6.1e-9)
    assert found["efficiency"].high == pytest.approx(2 * 2 * 64 * 1024 / 6.1e-9 / 1e12)
    assert found["energy"].by is not None
    assert found["energy"].by.takes == "layer"


def test_efficiency_becomes_the_energy_of_a_head_of_its_sizes():
    found = complete({"efficiency": Figure(low=10, high=10)}, SIZES | {"keys": 2048})
    assert found["energy"].high == pytest.approx(4 * 64 * 2048 / 10e12 * 1e9)
    assert found["efficiency"].by is None


def test_no_published_figure_is_replaced_even_if_another_contradicts_it():
    given = {"energy": Figure(low=54.92, high=54.92), "queries": Figure(low=9045, high=9045)}
    found = complete(given, SIZES)
    assert found["energy"] is given["energy"]
    assert found["queries"] is given["queries"]
    assert "latency" not in found


def test_nothing_follows_from_a_latency():
    assert complete({"latency": Figure(low=65, high=65)}, SIZES).keys() == {"latency"}


def test_ends_of_a_band_and_marks_turn_where_more_means_less():
    band = complete({"energy": Figure(low=2, high=4, mark=Mark.LEAST)}, SIZES)["queries"]
    assert (band.low, band.high) == pytest.approx((250_000, 500_000))
    assert band.mark is Mark.MOST
    layer = complete({"layer": Figure(low=2, high=4, mark=Mark.MOST)}, SIZES)["energy"]
    assert layer.mark is Mark.MOST
    about = complete({"queries": Figure(low=5, high=5, mark=Mark.ABOUT)}, SIZES)["energy"]
    assert about.mark is Mark.ABOUT


@pytest.mark.parametrize("each", CONVERSIONS, ids=lambda each: f"{each.makes}-{each.takes}")
def test_a_conversion_falls_where_it_says_so(each):
    small, large = (evaluate(each.formula, {**SIZES, each.takes: value}) for value in (1.0, 2.0))
    assert (large < small) is each.falls


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (Figure(low=6.1, high=6.1), "6.1"),
        (Figure(low=1661.2, high=2434.4), "1661..2434"),
        (Figure(low=8, high=8, mark=Mark.ABOUT), "about 8"),
        (Figure(low=56_459, high=56_459, mark=Mark.MOST), "at most 56 460"),
    ],
)
def test_figures_are_shown_with_their_mark(figure, text):
    assert figure.text == text
