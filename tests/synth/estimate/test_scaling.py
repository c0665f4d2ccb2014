"""Factors to 28 nm, 0.9 V against numbers worked out by hand."""

import math

import pytest

from gaincell.synth.estimate.scaling import Band, constant_field, scaling_from, stillmaker_baas


def ends(band: Band) -> tuple[float, float]:
    return band.low, band.high


def test_from_45_nm_at_the_reference_voltage():
    method = stillmaker_baas(45, 1.1)
    assert ends(method.area) == (0.37, 0.37)
    assert ends(method.delay) == (0.62, 0.64)
    assert ends(method.energy) == pytest.approx((0.35, 0.51))


def test_from_130_nm_at_the_reference_voltage():
    method = stillmaker_baas(130, 1.2)
    assert ends(method.area) == (0.058, 0.058)
    assert ends(method.delay) == (0.22, 0.26)
    assert ends(method.energy) == pytest.approx((0.07, 0.16))


def test_energy_is_first_brought_to_the_reference_voltage():
    # 1.8 V to 1.2 V: (2/3)^2 = 4/9.
    at_1v8 = stillmaker_baas(130, 1.8)
    assert ends(at_1v8.energy) == pytest.approx((0.07 * 4 / 9, 0.16 * 4 / 9))
    assert at_1v8.area == stillmaker_baas(130, 1.2).area
    assert at_1v8.delay == stillmaker_baas(130, 1.2).delay


def test_constant_field_by_hand():
    # 56 nm at 1.8 V: half the length and half the voltage.
    method = constant_field(56, 1.8)
    assert ends(method.area) == (0.25, 0.25)
    assert ends(method.delay) == (0.5, 0.5)
    assert ends(method.energy) == pytest.approx((0.125, 0.125))


def test_constant_field_leaves_the_target_itself_alone():
    method = constant_field(28, 0.9)
    assert {ends(band) for band in (method.area, method.delay, method.energy)} == {(1.0, 1.0)}


def test_constant_field_grows_from_a_smaller_node():
    assert constant_field(7, 0.9).area.high == 16


def test_the_band_holds_both_methods():
    scaling = scaling_from(45, 1.1)
    assert [method.name for method in scaling.methods] == ["Stillmaker and Baas", "constant field"]
    # (28/45)^2 = 0.38716 lies above 0.37; 28/45 and 28/45 (9/11)^2 lie inside the ranges.
    assert ends(scaling.area) == pytest.approx((0.37, 0.387160), abs=1e-6)
    assert ends(scaling.delay) == (0.62, 0.64)
    assert ends(scaling.energy) == pytest.approx((0.35, 0.51))
    assert scaling.caution is None


def test_constant_field_sets_an_end_where_it_is_outside_the_other_range():
    scaling = scaling_from(130, 1.2)
    # (28/130)^2 = 0.04639 and 28/130 = 0.21538.
    assert ends(scaling.area) == pytest.approx((0.046391, 0.058), abs=1e-6)
    assert ends(scaling.delay) == pytest.approx((0.215385, 0.26), abs=1e-6)


def test_another_node_has_one_method_and_says_so():
    scaling = scaling_from(65, 1.2)
    assert [method.name for method in scaling.methods] == ["constant field"]
    assert scaling.area.low == scaling.area.high
    assert scaling.caution is not None
    assert scaling.caution.startswith("from 65 nm only constant-field scaling is used")
    with pytest.raises(ValueError, match="node is 65 nm, for which no Stillmaker-Baas factors"):
        stillmaker_baas(65, 1.2)


def test_a_verdict_takes_the_high_end():
    assert Band(low=1, high=3).verdict == 3


def test_bands_add_and_multiply_end_by_end():
    band = Band(low=1, high=3)
    assert band + Band(low=10, high=20) == Band(low=11, high=23)
    assert band.times(2) == Band(low=2, high=6)
    assert band.times(Band(low=0.5, high=2)) == Band(low=0.5, high=6)
    assert Band.around(band, Band(low=2, high=4), Band.exact(0)) == Band(low=0, high=4)


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (140.04, 203.96, "140..204"),
        (0.05, 0.05, "0.05"),
        (1.00001, 1.00002, "1"),
        (12340, 56789, "12340..56789"),
    ],
)
def test_a_band_reads_as_its_ends(low, high, text):
    assert str(Band(low=low, high=high)) == text


@pytest.mark.parametrize(("low", "high"), [(2, 1), (math.nan, 1), (0, math.inf)])
def test_rejects_a_band_that_is_none(low, high):
    with pytest.raises(ValueError, match="must be finite and rise from low to high"):
        Band(low=low, high=high)


@pytest.mark.parametrize("wrong", [0, -1, math.inf, math.nan])
def test_rejects_a_node_or_voltage_that_is_none(wrong):
    with pytest.raises(ValueError, match=f"node of the library is {wrong} nm, but must be finite"):
        scaling_from(wrong, 1.1)
    with pytest.raises(ValueError, match=f"voltage of the library is {wrong} V, but must be"):
        scaling_from(45, wrong)
