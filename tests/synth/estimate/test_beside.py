"""Work, area, time and energy beside the arrays against numbers worked out by hand."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from estimates import GPT2, estimate_of

from gaincell.behavioral.tokens import typical_tokens
from gaincell.config import HeadConfig
from gaincell.synth.estimate.activity import measure_activity
from gaincell.synth.estimate.analog import AnalogConfig
from gaincell.synth.estimate.arrays import sum_of
from gaincell.synth.estimate.beside import Beside, BesideCost
from gaincell.synth.estimate.comparison import Mark, compare
from gaincell.synth.estimate.digital import reference_metrics
from gaincell.synth.estimate.estimate_json import as_json
from gaincell.synth.estimate.operations import bit_j
from gaincell.synth.estimate.recent_cost import RECENT, recent_cost, recent_tables
from gaincell.synth.estimate.scaling import Band
from gaincell.synth.estimate.system import Estimate

ODD = HeadConfig(head_dim=5, window=21, columns=7)
SHARED = {"recent": 3, "maps": True, "sharing": 4, "shared": True}
TABLE = Path(__file__).parents[3] / "docs" / "evidence" / "tables" / "recent_cost.md"
LOW, HIGH = 0.35 * (1.1 / 0.9) ** 2, 0.51 * (1.1 / 0.9) ** 2
"""Energy at 28 nm, 0.9 V over that at 45 nm, 0.9 V."""


def cost_of(config=GPT2, **settings) -> BesideCost:
    return BesideCost(beside=Beside(**settings), config=config)


def ends(band: Band, scale: float = 1.0) -> tuple[float, float]:
    return band.low * scale, band.high * scale


@pytest.mark.parametrize(
    ("config", "settings", "products", "wide", "kept", "moved", "parameters"),
    [
        (GPT2, {}, 0, 0, 0, 0, 0),
        (GPT2, {"recent": 16}, 2433, 18 + 4, 17408, 19456, 520),
        (GPT2, {"maps": True}, 12352, 0, 0, 0, 100864),
        (GPT2, {"recent": 16, "maps": True}, 14785, 22, 17408, 19456, 101384),
        (GPT2, {"recent": 1}, 513, 3 + 4, 2048, 4096, 520),
        (ODD, {"recent": 3}, 61, 5 + 4, 320, 480, 48),
        (ODD, {"recent": 3, "maps": True, "sharing": 4}, 141, 9, 80, 120, 48 + 8 * 100),
        # 25 products of q's map, 12.5 of a fourth of k's and v's, 5 of the scale
        (ODD, SHARED, 61 + 25 + 13 + 5, 9, 80, 120, 48 + 8 * (30 + 15 + 10)),
    ],
)
def test_counts_what_is_done_and_kept(
    config, settings, products, wide, kept, moved, parameters
) -> None:
    cost = cost_of(config, **settings)
    assert (cost.products, cost.wide_products) == (products, wide)
    assert (cost.buffer_bits, cost.buffer_moved_bits) == (kept, moved)
    assert cost.parameter_bits == parameters


def test_energy_of_sixteen_recent_tokens() -> None:
    energy_j = cost_of(recent=16).energy_j
    assert list(energy_j) == [
        "buffer of recent tokens",
        "parameters beside",
        "multiply-accumulates",
        "exponentials and division",
    ]
    products, wide = energy_j["multiply-accumulates"], energy_j["exponentials and division"]
    assert ends(products, 1e12) == pytest.approx((2433 * 0.25 * LOW, 2433 * 0.25 * HIGH))
    assert ends(wide, 1e12) == pytest.approx((22 * 3.1 * LOW, 22 * 3.1 * HIGH))
    bank = 32 * 8 / 8192  # 32 cycles between tokens, 32 words of 8 bytes, of 8 KB
    assert ends(energy_j["buffer of recent tokens"], 1e12) == pytest.approx(
        (19456 * 10 / 64 * bank**0.5 * LOW, 19456 * 10 / 64 * HIGH)
    )


def test_area_of_sixteen_recent_tokens_and_maps() -> None:
    area_um2, small = cost_of(recent=16, maps=True).area_um2, (28 / 45) ** 2
    assert cost_of(recent=16, maps=True).mac_units == 463
    bit = 19.57 * 40.6 / 1024
    for part, at_45_nm in {
        "buffer of recent tokens": 17408 * bit,
        "parameters beside": 101384 * bit,
        "multiply-accumulates": 463 * (282 + 67 + 32 * 4.522),
        "exponentials and division": 3495,
    }.items():
        assert ends(area_um2[part]) == pytest.approx((at_45_nm * 0.37, at_45_nm * small))


def test_a_bank_is_at_most_the_published_memory() -> None:
    assert bit_j(1024) == bit_j(4096)
    assert bit_j(1024).high == pytest.approx(10 / 64 * HIGH * 1e-12)
    assert bit_j(256).low == pytest.approx(bit_j(1024).low / 2)


@pytest.mark.parametrize("config", [GPT2, ODD, HeadConfig(schedule="paired")])
@pytest.mark.parametrize("settings", [{"recent": 5}, {"maps": True}, {"recent": 40, "maps": True}])
def test_units_are_just_enough_for_the_interval(config, settings) -> None:
    cost, cycles = cost_of(config, **settings), config.interval_cycles
    assert (cost.mac_units - 1) * cycles < cost.products <= cost.mac_units * cycles
    assert (cost.wide_units - 1) * cycles < cost.wide_products <= cost.wide_units * cycles
    estimate = replace(estimate_of(config), beside=Beside(**settings))
    assert estimate.system(1, 1, beside=True).interval_s == estimate.system(1, 1).interval_s


@pytest.mark.parametrize(
    ("settings", "cycles"),
    [
        ({}, 0),
        ({"recent": 16}, 3 + 5),  # 192 products on 77 units; sum * e, then four steps to divide
        ({"maps": True}, 32 + 1),  # 12 288 and 64 products on 386 units
        ({"recent": 16, "maps": True}, 9 + 1 + 5),  # 4096 before and 256 after, on 463 units
        # 9324 products in 96 cycles: 98 units
        ({"recent": 16, "maps": True, "sharing": 3, "shared": True}, 42 + 3 + 5),
    ],
)
def test_a_token_takes_longer_by_what_cannot_be_done_meanwhile(settings, cycles) -> None:
    assert cost_of(**settings).latency_cycles == cycles


@pytest.mark.parametrize("maps", [False, True])
def test_more_recent_tokens_never_cost_less(maps) -> None:
    costs = [cost_of(recent=recent, maps=maps) for recent in range(1, 200)]
    for less, more in pairwise(costs):
        assert more.products > less.products
        assert more.mac_units >= less.mac_units
        for name in ("area_um2", "energy_j"):
            one, other = (sum_of(getattr(cost, name).values()) for cost in (less, more))
            assert other.low > one.low
            assert other.high > one.high


def test_a_shared_buffer_costs_each_head_its_part() -> None:
    alone, third = cost_of(recent=16), cost_of(recent=16, sharing=3)
    assert third.buffer_bits == pytest.approx(alone.buffer_bits / 3)
    assert third.products == alone.products
    for name in ("area_um2", "energy_j"):
        buffers = [getattr(cost, name)["buffer of recent tokens"] for cost in (alone, third)]
        assert buffers[1].high == pytest.approx(buffers[0].high / 3)


def test_heads_on_one_array_share_its_area_and_writes_and_read_it_in_turn() -> None:
    beside = Beside(recent=16, maps=True, sharing=3, shared=True)
    estimate = replace(estimate_of(), beside=beside)
    cost, alone, one = (
        estimate.cost_beside,
        estimate.system(1, 1),
        estimate.system(1, 1, beside=True),
    )
    area_um2, energy_j = (sum_of(each.values()) for each in (cost.area_um2, cost.energy_j))
    third = alone.area_mm2.times(1 / 3) + area_um2.times(1e-6)
    assert ends(one.area_mm2) == pytest.approx(ends(third))
    dacs_j = estimate.energy_j["DACs"].low
    spent = (each - 2 / 3 * dacs_j for each in ends(alone.energy_j + energy_j))
    assert ends(one.energy_j) == pytest.approx(tuple(spent))
    assert one.interval_s == pytest.approx(3 * alone.interval_s)
    late = 2 * alone.interval_s + cost.latency_cycles * GPT2.clock_s
    assert one.latency_s == pytest.approx(alone.latency_s + late)
    assert replace(estimate, beside=replace(beside, shared=False)).system(1, 1) == alone


def test_systems_have_it_in_every_head() -> None:
    estimate = replace(estimate_of(), beside=Beside(recent=16))
    cost, one = estimate.cost_beside, estimate.system(1, 1)
    for size, heads in (((1, 1), 1), ((12, 12), 144)):
        without, having = estimate.system(*size), estimate.system(*size, beside=True)
        more_um2 = sum_of(cost.area_um2.values()).times(heads * 1e-6)
        more_j = sum_of(cost.energy_j.values()).times(heads)
        assert ends(having.area_mm2) == pytest.approx(ends(without.area_mm2 + more_um2))
        assert ends(having.energy_j) == pytest.approx(ends(without.energy_j + more_j))
        assert having.latency_s == pytest.approx(without.latency_s + size[1] * 8e-9)
    assert one == estimate_of().system(1, 1)


def test_rows_of_the_paper_stay_and_ours_with_it_follow() -> None:
    plain, having = estimate_of(), replace(estimate_of(), beside=Beside(recent=16))
    rows, more = compare(plain), compare(having)
    assert more[: len(rows)] == rows
    added = more[len(rows) :]
    assert [row.name for row in added] == [
        f"{name}, with 16 recent tokens"
        for name in ("head", "token and head", "latency", "a token every")
    ]
    assert {row.mark for row in added} == {Mark.BESIDE}
    papers = {row.name: row.paper for row in rows}
    assert [row.paper for row in added] == [papers[row.name.split(", ")[0]] for row in added]
    ours = {row.name: row.ours for row in more}
    assert ours["head, with 16 recent tokens"].low > ours["head"].low
    assert ours["token and head, with 16 recent tokens"].low > ours["token and head"].low


def test_without_power_there_is_no_total_with_it() -> None:
    estimate = replace(estimate_of(power=None, energy_per_token_j=None), beside=Beside(recent=16))
    assert estimate.system(1, 1, beside=True).energy_j is None
    assert not [row for row in compare(estimate) if row.name.startswith("token and head")]
    assert {row[7] for row in recent_cost(estimate)} == {""}


def test_nothing_beside_leaves_no_trace() -> None:
    plain, nothing = estimate_of(), replace(estimate_of(), beside=Beside(sharing=3))
    assert "beside" not in as_json(plain, compare(plain))
    assert as_json(nothing, compare(nothing)) == as_json(plain, compare(plain))
    assert nothing.system(1, 1, beside=True) == plain.system(1, 1)


def test_json_holds_counts_and_systems() -> None:
    estimate = replace(estimate_of(), beside=Beside(recent=16, maps=True))
    table = as_json(estimate, compare(estimate))["beside"]
    assert table["settings"] == {
        "recent": 16,
        "maps": True,
        "sharing": 1,
        "shared": False,
        "digital": 0,
        "heads": 0,
        "source": None,
    }
    assert table["counts"]["products"] == 14785
    assert table["latency_s"] == pytest.approx(15e-9)
    assert table["systems"]["12 heads"]["heads"] == 12
    assert table["mark"] == "estimated: what is beside the arrays is not synthesized"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"recent": -1}, "recent is -1, but must be 0..65536"),
        ({"recent": 2.5}, "recent is 2.5, but must be a whole number, 0..65536"),
        ({"maps": 1}, "maps is 1, but must be true or false"),
        ({"sharing": 0}, "sharing is 0, but must be 1..65536"),
        ({"shared": 1}, "shared is 1, but must be true or false"),
    ],
)
def test_rejects_settings_that_are_none(settings, sentence) -> None:
    with pytest.raises((TypeError, ValueError), match=rf"^{sentence}$"):
        Beside(**settings)


def test_committed_table_is_what_the_estimate_makes() -> None:
    digital = reference_metrics(GPT2)
    assert digital is not None
    estimate = Estimate(
        config=GPT2,
        analog=AnalogConfig(),
        activity=measure_activity(*typical_tokens(GPT2, 0), GPT2),
        digital=digital,
    )
    assert TABLE.read_text(encoding="utf-8") == recent_tables(estimate) + "\n", (
        "run make recent-cost"
    )
    rows = recent_cost(estimate)
    assert [int(row[0]) for row in rows] == list(RECENT)
    assert rows[0][1:8] == ("0", "0", "0", "0", "0", "0", "0")
    shares = [float(row[7]) for row in rows]
    assert shares == sorted(shares)
