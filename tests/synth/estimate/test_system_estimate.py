"""Area, time and energy of heads against numbers worked out by hand."""

import json
import re
from dataclasses import replace

import pytest
from estimates import GPT2, HALF, METRICS, estimate_of, metrics_with

from gaincell.config import HeadConfig
from gaincell.synth.estimate.analog import Activity, AnalogConfig, Parts
from gaincell.synth.estimate.digital import Digital, load_metrics, reference_metrics
from gaincell.synth.estimate.scaling import Band
from gaincell.synth.estimate.system import Estimate
from gaincell.synth.metrics import read_metrics


def test_the_papers_head_gives_back_the_papers_numbers():
    estimate = estimate_of()
    energy_j = estimate.energy_j
    assert energy_j["first dot product"].verdict == pytest.approx(1120e-12)
    assert energy_j["second dot product"].verdict == pytest.approx(700e-12)
    assert energy_j["DACs"].verdict == pytest.approx(330e-12)
    analog_um2 = sum(band.high for part, band in estimate.area_um2.items() if "dig" not in part)
    assert analog_um2 == pytest.approx(500_000)


def test_digital_part_is_a_band_at_28_nm():
    estimate = estimate_of()
    area, energy = estimate.area_um2["digital control"], estimate.energy_j["digital control"]
    assert area.low == pytest.approx(20000 * 0.37)
    assert area.high == pytest.approx(20000 * (28 / 45) ** 2)
    assert (energy.low, energy.high) == pytest.approx((1.4e-10, 2.04e-10))
    assert estimate.fmax_hz == Band(low=1.24e9 / 0.64, high=1.24e9 / 0.62)


def test_twice_the_window_has_twice_the_cells():
    wide = HeadConfig(window=2048)
    assert Parts.of(GPT2) == Parts(
        cells=131072, score_converters=1024, output_converters=1024, dacs=128
    )
    assert Parts.of(wide) == Parts(
        cells=262144, score_converters=2048, output_converters=2048, dacs=128
    )
    once, twice = estimate_of().energy_j, estimate_of(wide).energy_j
    for part in ("first dot product", "second dot product"):
        assert twice[part].high == pytest.approx(2 * once[part].high)
    assert twice["DACs"] == once["DACs"]


def test_geometry_of_an_odd_head_with_a_sink():
    config = HeadConfig(head_dim=5, window=21, columns=7, sink=2, key_bits=1, value_bits=4)
    assert Parts.of(config) == Parts(cells=230, score_converters=23, output_converters=20, dacs=10)
    analog = AnalogConfig(key_cell_pj=2, value_cell_pj=3, dac_bit_pj=10)
    energy_j = estimate_of(config, analog=analog).energy_j
    assert energy_j["first dot product"].low == pytest.approx(230e-12)
    assert energy_j["second dot product"].low == pytest.approx(345e-12)
    assert energy_j["DACs"].low == pytest.approx(250e-12)


def test_paired_integrators_are_counted_as_a_second_converter():
    paired = Parts.of(HeadConfig(schedule="paired"))
    assert (paired.score_converters, paired.output_converters) == (2048, 2048)
    assert paired.cells == Parts.of(GPT2).cells


@pytest.mark.parametrize(
    ("activity", "low_pj", "high_pj"),
    [(0, 0, 1120), (0.25, 560, 1120), (0.5, 1120, 1120), (1, 1120, 2240)],
)
def test_pulses_really_seen_widen_the_band_to_their_side(activity, low_pj, high_pj):
    estimate = estimate_of(activity=Activity(key=activity, value=0.5, source="a test"))
    band = estimate.energy_j["first dot product"]
    assert (band.low * 1e12, band.high * 1e12) == pytest.approx((low_pj, high_pj))
    other = estimate.energy_j["second dot product"]
    assert (other.low * 1e12, other.high * 1e12) == pytest.approx((700, 700))


def test_published_activity_moves_the_proportional_end():
    analog = AnalogConfig(published_activity=1.0)
    band = estimate_of(analog=analog).energy_j["second dot product"]
    assert (band.low * 1e12, band.high * 1e12) == pytest.approx((350, 700))


def test_heads_add_up_and_layers_follow_each_other():
    estimate = estimate_of()
    one, many = estimate.system(1, 1), estimate.system(12, 12)
    assert many.heads == 144
    assert many.area_mm2.high == pytest.approx(144 * one.area_mm2.high)
    assert many.energy_j.low == pytest.approx(144 * one.energy_j.low)
    assert one.latency_s == pytest.approx(GPT2.latency_cycles * 1e-9)
    assert many.latency_s == pytest.approx(12 * one.latency_s)
    assert many.interval_s == one.interval_s == pytest.approx(32e-9)
    assert one.energy_j.high == pytest.approx((1120 + 700 + 330 + 204) * 1e-12)


def test_without_power_there_is_no_total_of_energy():
    estimate = estimate_of(power=None, energy_per_token_j=None)
    assert estimate.energy_j["digital control"] is None
    assert estimate.system(1, 1).energy_j is None
    assert "the metrics hold no power, so there is no total of energy" in estimate.cautions()


@pytest.mark.parametrize(
    ("changes", "caution"),
    [
        ({"timing__slack_ns": -0.25}, "the netlist misses its clock by 0.25 ns"),
        ({"timing__fmax_mhz": 900}, "reaches 900 MHz, less than the 1000 MHz"),
        ({"library__estimate": True}, "Cells45 is itself an estimate"),
        ({"library__node_nm": 65}, "from 65 nm only constant-field scaling"),
    ],
)
def test_says_what_keeps_a_number_from_its_meaning(changes, caution):
    assert not [said for said in estimate_of().cautions() if caution in said]
    assert [said for said in estimate_of(**changes).cautions() if caution in said]


def test_says_which_constants_are_not_the_papers():
    said = estimate_of(analog=AnalogConfig(converter_area_um2=100)).cautions()
    assert said == ["not the paper's constants in [analog]: converter_area_um2"]


def test_rejects_metrics_of_another_config():
    digital = Digital.of(read_metrics(METRICS))
    with pytest.raises(ValueError, match="another config, with window 1024, not 2048, readout"):
        digital.check_is_of(HeadConfig(window=2048, readout="counters"))
    with pytest.raises(ValueError, match="metrics are of another config, with sink 0, not 1"):
        Estimate(
            config=replace(GPT2, sink=1), analog=AnalogConfig(), activity=HALF, digital=digital
        )


def test_a_head_has_its_share_of_a_core():
    alone = Digital.of(read_metrics(METRICS))
    share = Digital.of(read_metrics(metrics_with(core={"heads": 4})))
    assert share.heads == 4
    for name in ("area_um2", "power_w", "energy_per_token_j"):
        assert getattr(share, name) == pytest.approx(getattr(alone, name) / 4)
    assert share.fmax_hz == alone.fmax_hz
    shared = metrics_with(core={"heads": 4, "heads_per_group": 2})
    with pytest.raises(ValueError, match="heads share keys, whose estimate would take other"):
        Digital.of(read_metrics(shared))


@pytest.mark.parametrize(
    ("metrics", "sentence"),
    [
        ([], "it is not what gaincell synth writes: it is no object"),
        ({"config": {}}, 'it is not what gaincell synth writes: "library" is no object'),
        (metrics_with(config=None), '"config" is no object'),
        (metrics_with(config={"wnidow": 4}), "its config has the unknown field wnidow"),
        (metrics_with(config={"window": 5}), "its config is no head's: window is 5"),
        (metrics_with(area__cells_um2=0), "area.cells_um2 is 0, but must be a finite number above"),
        (metrics_with(area__cells_um2="a"), 'area.cells_um2 is "a", but must be'),
        (metrics_with(library__node_nm=0), "library.node_nm is 0, but must be a finite number"),
        (metrics_with(library__name=3), "library.name is 3, but must be a string"),
        (metrics_with(power={}), "power.total_w is null, but must be"),
        (metrics_with(energy_per_token_j=float("nan")), "energy_per_token_j is NaN, but must be"),
        (metrics_with(timing__slack_ns=True), "timing.slack_ns is true, but must be a finite"),
    ],
)
def test_rejects_what_the_flow_does_not_write(metrics, sentence, tmp_path):
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps(metrics))
    with pytest.raises(
        ValueError, match=rf"^metrics {re.escape(str(path))}: .*{re.escape(sentence)}"
    ):
        load_metrics(path)


@pytest.mark.parametrize("activity", [-0.1, 1.1, float("nan")])
def test_rejects_an_activity_that_is_none(activity):
    with pytest.raises(ValueError, match=r"value activity is .*, but must be 0\.\.1"):
        Activity(key=0.5, value=activity, source="a test")


def test_finds_shipped_metrics_by_config(tmp_path):
    shipped = tmp_path / "reference.json"
    assert reference_metrics(GPT2, shipped) is None
    wide = {"window": 2048, "cell": [0.0, 19.3]}
    preferred = metrics_with(config=wide, library__name="First")
    shipped.write_text(json.dumps([METRICS, preferred, metrics_with(config=wide)]))
    found = reference_metrics(HeadConfig(window=2048, cell=(0.0, 19.3)), shipped)
    assert found is not None
    assert found.library == "First"
    assert reference_metrics(HeadConfig(sink=1), shipped) is None
