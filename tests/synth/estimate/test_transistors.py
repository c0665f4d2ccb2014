"""The analog half in transistors beside the paper's constants."""

import copy
import json
from dataclasses import replace

import pytest
from estimates import GPT2, HALF, estimate_of

from gaincell.config import PRESETS
from gaincell.design_file import SHIPPED, records_beside, shipped_designs
from gaincell.synth.estimate.analog import Activity
from gaincell.synth.estimate.arrays import sum_of
from gaincell.synth.estimate.comparison import compare
from gaincell.synth.estimate.estimate_json import as_json
from gaincell.synth.estimate.transistors import Transistors, transistors_of
from gaincell.tables import read_json


@pytest.fixture(scope="module", params=shipped_designs())
def record(request):
    return read_json(SHIPPED / f"{request.param}.json", "design")


def test_as_simulated_the_sums_are_the_record_s_parts(record):
    published = record["derived"]["analog"]["published_activity"]
    activity = Activity(key=published, value=published, source="a test")
    half = Transistors.of(record, GPT2, activity)
    parts = record["derived"]["token_energy_j"]
    found = sum_of(half.sums_j.values())
    assert found.low == pytest.approx(sum(each for each in parts.values() if each is not None))
    assert found.high == pytest.approx(found.low)


def test_pulses_that_are_rare_take_less_in_the_arrays_alone(record):
    half = Transistors.of(record, GPT2, Activity(key=0.5, value=0.01, source="a test"))
    cells, converters = half.parts_j["second product, cells"], half.parts_j["second converters"]
    assert cells.low < 0.03 * cells.high
    assert converters.low == converters.high


def test_half_the_tokens_have_half_the_columns_and_the_same_writes(record):
    whole = Transistors.of(record, GPT2, HALF)
    less = Transistors.of(record, replace(GPT2, window=512), HALF)
    for name, band in whole.parts_j.items():
        product = name.startswith(("first", "second"))
        assert less.parts_j[name].high == pytest.approx(band.high / (2 if product else 1))
    assert less.areas_um2["cells"].high == pytest.approx(whole.areas_um2["cells"].high / 2)


def test_the_band_at_28_nm_goes_from_constant_field_to_no_scaling(record):
    half = Transistors.of(record, GPT2, HALF)
    levels = record["levels"]
    assert (half.node_nm, half.voltage_v) == (levels["node_nm"], levels["cell_v"])
    supply = (0.9 / half.voltage_v) ** 2
    assert half.energy_factor.low == pytest.approx(28 / half.node_nm * supply)
    assert half.energy_factor.high == pytest.approx(supply)
    assert half.area_factor.low == pytest.approx((28 / half.node_nm) ** 2)


def test_rows_hold_the_digital_control_of_the_estimate(record):
    estimate = estimate_of(activity=HALF)
    rows = {row.name: row for row in Transistors.of(record, GPT2, HALF).rows(estimate)}
    digital = estimate.energy_j["digital control"].high * 1e12
    assert rows["token and head"].ours.high == pytest.approx(
        rows["analog half"].ours.high + digital
    )
    parts = ("first dot product", "second dot product", "DACs")
    assert rows["analog half"].ours.high == pytest.approx(
        sum(rows[name].ours.high for name in parts)
    )
    assert rows["analog half"].paper == sum(rows[name].paper for name in parts)


def test_heads_with_other_lines_or_codes_have_none(record):
    for config in (PRESETS["tiny"], replace(GPT2, columns=32), replace(GPT2, query_bits=3)):
        assert transistors_of([record], config, HALF) == []


def test_what_is_not_simulated_is_left_out_and_named(record):
    lacking = copy.deepcopy(record)
    lacking["derived"]["token_energy_j"]["DACs and their ladders"] = None
    lacking["retention"] = lacking["area"] = None
    half = Transistors.of(lacking, GPT2, HALF)
    assert half.missing == ["DACs and their ladders"]
    names = [row.name for row in half.rows(estimate_of(activity=HALF))]
    assert "gain cell" not in names
    assert "time constant of the leak" not in names


def test_the_json_has_every_part_at_the_design_s_node_and_the_rows(record):
    estimate = estimate_of(activity=HALF)
    half = Transistors.of(record, GPT2, HALF)
    table = json.loads(json.dumps(as_json(estimate, compare(estimate), [half])))
    found = table["transistors"][half.name]
    assert found["energy_per_token_j"].keys() == record["derived"]["token_energy_j"].keys()
    assert [name for name, each in found["energy_per_token_j"].items() if each is None] == []
    assert found["paper"]["analog half"]["high"] == pytest.approx(
        sum(each["high"] for each in found["energy_per_token_j"].values())
        * half.energy_factor.high
        * 1e12
    )
    assert "transistors" not in as_json(estimate, compare(estimate))


def test_a_config_s_own_design_stands_alone(tmp_path):
    def names(table):
        return [each["design"]["name"] for each in records_beside(table, tmp_path)]

    assert names({}) == shipped_designs()
    assert names({"cell": "freepdk45"}) == ["freepdk45"]
    copied = (SHIPPED / "freepdk45_long.json").read_text()
    (tmp_path / "own.json").write_text(copied.replace('"freepdk45_long"', '"own"'))
    assert names({"cell": "own.json"}) == ["own"]
