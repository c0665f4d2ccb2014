"""Floorplans of heads of many shapes: every part has its room, and nothing overlaps."""

import itertools
from dataclasses import replace

import pytest
from drawn_cells import CELL

from gaincell.config import PRESETS, HeadConfig
from gaincell.hdl.verilog import TOP, head_verilog
from gaincell.layout.checks import violations
from gaincell.layout.floorplan.arrays import PIN_WIDTH, ROW, SITE, TRACK, TRACK_OFFSET
from gaincell.layout.floorplan.blocks import (
    DRIVERS,
    GAP,
    KEYS,
    LADDERS,
    OUTPUT,
    REFERENCES,
    SCORE,
    SELECTORS,
    SUBCIRCUITS,
    VALUES,
)
from gaincell.layout.floorplan.draw import BLOCK, SLICE, STRIP
from gaincell.layout.floorplan.estimates import CARRIED, estimates
from gaincell.layout.floorplan.flow import lay_out_arrays
from gaincell.layout.floorplan.ports import Port, head_ports
from gaincell.spice.area import areas
from gaincell.spice.design import load_design
from gaincell.synth.estimate.analog import Parts

HEADS = [
    PRESETS["tiny"],
    HeadConfig(head_dim=1, window=1, columns=1),
    HeadConfig(head_dim=3, window=35, columns=7, sink=7),
    HeadConfig(head_dim=9, window=12, columns=3, schedule="paired"),
    HeadConfig(head_dim=2, window=48, columns=24),
]


@pytest.fixture(scope="module", params=HEADS, ids=lambda head: f"{head.head_dim}x{head.columns}")
def head(request):
    return request.param


@pytest.fixture(scope="module")
def ports(head):
    return head_ports(head_verilog(head), TOP)


@pytest.fixture(scope="module")
def arrays(head, process, ports):
    return lay_out_arrays(head, load_design(process.design), process, ports)


@pytest.fixture(scope="module")
def outlined(head, process, ports, folder):
    """The same head with a design of cells alone: its other parts are outlines."""
    return lay_out_arrays(head, load_design(folder(CELL)), process, ports)


@pytest.fixture(scope="module")
def both(arrays, outlined):
    return arrays, outlined


def test_blocks_lie_apart_inside_of_the_outline(both):
    for either in both:
        plan = either.plan
        assert (plan.width % SITE, plan.height % ROW) == (0, 0)
        for block in plan.blocks:
            assert 0 <= block.x < block.right <= plan.width
            assert plan.pins[0].high < block.y < block.top <= plan.height
            left, low, width, high = zip(*block.each(), strict=True)
            assert (min(left), min(low)) == (block.x, block.y)
            assert max(x + side for x, side in zip(left, width, strict=True)) == block.right
            assert max(y + side for y, side in zip(low, high, strict=True)) == block.top
        for one, other in itertools.combinations(plan.blocks, 2):
            beside = one.right + GAP <= other.x or other.right + GAP <= one.x
            assert beside or one.top + GAP <= other.y or other.top + GAP <= one.y, (one, other)


def test_every_part_of_the_head_is_there(both, head):
    for either in both:
        counts = dict.fromkeys((*SUBCIRCUITS, KEYS, VALUES), 0)
        room = dict(counts)
        for block in either.plan.blocks:
            counts[block.part] += block.count
            room[block.part] += block.um2
        parts, columns = Parts.of(head), head.tiles * head.columns
        assert counts[KEYS] + counts[VALUES] == parts.cells * columns / head.stored_columns
        assert counts[SCORE] == parts.score_converters * columns / head.stored_columns
        assert counts[OUTPUT] == parts.output_converters
        assert counts[DRIVERS] == head.tiles * (head.head_dim + head.columns)
        assert counts[SELECTORS] == parts.dacs
        assert counts[LADDERS] == 2
        assert counts[REFERENCES] == 2 * head.tiles * head.timing.banks
        for part, name in SUBCIRCUITS.items():
            own = either.drawings.drawn.get(part)
            one = own.drawn.um2 if own else either.estimates.areas[name].high
            if own:
                assert room[part] == pytest.approx(counts[part] * one)
            else:
                assert counts[part] * one <= room[part] <= 1.01 * counts[part] * one + 1


def test_parts_are_drawn_that_can_be(arrays, outlined):
    assert arrays.drawings.drawn.keys() == {SCORE, OUTPUT, DRIVERS, SELECTORS, LADDERS}
    missing = arrays.drawings.missing
    assert missing.keys() == {REFERENCES}
    assert missing[REFERENCES].startswith("iref of subcircuit references is no transistor")
    assert not outlined.drawings.drawn
    assert all("has no subcircuit" in why for why in outlined.drawings.missing.values())


def test_the_drawing_keeps_the_rules_and_names_what_is_not_drawn(both, head, process):
    for either in both:
        top = either.layout.top_cell()
        # A slice with all its drawings has most of a head's shapes.
        checked = top if either is both[1] or head == HEADS[1] else either.layout.cell(SLICE)
        assert violations(checked, process) == {}
        box = top.bbox()
        assert (box.left, box.bottom) == (0, 0)
        assert (box.right, box.top) == (either.plan.width, either.plan.height)
        texts = []
        for name, times in ((STRIP, 1), (SLICE, len(either.plan.slices))):
            shapes = either.layout.cell(name).shapes(either.layout.layer(*BLOCK))
            texts += times * [each.text.string for each in shapes.each() if each.is_text()]
        assert sorted(texts) == sorted(
            f"{block.count} {block.part}, not drawn"
            for block in either.plan.blocks
            if block.part in SUBCIRCUITS and block.part not in either.drawings.drawn
        )


def test_every_copy_in_the_file_is_its_parts_cell(arrays):
    """Places in the GDS are those of the plan, and each holds the cell of its part."""
    found = {}
    for name, corners in ((STRIP, [(0, 0)]), (SLICE, arrays.plan.slices)):
        for each in arrays.layout.cell(name).each_inst():
            for x, y in corners:
                box = each.bbox().moved(x, y)
                place = box.left, box.bottom, box.width(), box.height()
                found.setdefault(each.cell.name, set()).add(place)
    for part, own in arrays.drawings.drawn.items():
        blocks = [block for block in arrays.plan.blocks if block.part == part]
        wanted = {place for block in blocks for place in block.each()}
        assert len(wanted) == sum(block.count for block in blocks)
        assert found[own.drawn.cell.name] == wanted
    for part in (KEYS, VALUES):
        assert len(found[arrays.tiles[part].cell.name]) == len(arrays.plan.slices)


def test_a_token_has_its_key_above_its_value(arrays, head, process):
    """In a slice, the columns of keys run in the same order as the turned rows of values."""
    places = {}
    for each in arrays.layout.cell(SLICE).each_inst():
        kind = each.cell.name.partition("_")[0]
        if kind not in ("keys", "values"):
            continue
        layer = arrays.layout.layer(*process.layers["m2_label" if kind == "keys" else "m1_label"])
        wanted = "bl" if kind == "keys" else "wl"
        texts = [shape.text for shape in each.cell.shapes(layer).each()]
        found = {
            int(text.string[2:]): text.transformed(each.trans).x
            for text in texts
            if text.string[:2] == wanted and text.string[2:].isdigit()
        }
        order = sorted(found, key=found.__getitem__)
        assert order == list(range(head.columns))
        places.setdefault(kind, []).append(sum(found.values()) / len(found))
    for keys, values in zip(sorted(places["keys"]), sorted(places["values"]), strict=True):
        assert abs(keys - values) < arrays.tiles[KEYS].width


def test_every_bit_of_the_arrays_has_a_pin_on_a_track(arrays, ports):
    bits = [bit for port in ports if port.of_arrays for bit in port.bits]
    pins = arrays.plan.pins
    assert sorted(pin.name for pin in pins) == sorted(bits)
    assert all((pin.left + PIN_WIDTH // 2 - TRACK_OFFSET) % TRACK == 0 for pin in pins)
    assert len({pin.left for pin in pins}) == len(pins)
    assert all(0 < pin.left < pin.right < arrays.plan.width for pin in pins)


def test_ports_are_those_of_the_verilog(head, ports):
    found = {port.name: port for port in ports}
    assert found["clk"] == Port("clk", "input", 1, False)
    outputs = head.tiles * head.head_dim
    assert found["array_pulse"].width == found["array_sign"].width == outputs
    assert found["array_query"].other_side.direction == "input"
    assert {port.name for port in ports if port.of_arrays} >= {"array_k_reset", "array_v_convert"}


def test_estimates_are_a_designs_own_or_carried_to_the_node(process, folder):
    carried = estimates(load_design(folder(CELL)), process)
    source = areas(load_design(CARRIED))
    assert carried.design == CARRIED
    score, before = carried.areas["score_converter"], source["score_converter"]
    factor = (130 / 45) ** 2
    assert score.transistors_low == pytest.approx(1.4 * factor * before["transistors_um2"])
    assert score.capacitors == pytest.approx(before["capacitors_f"] / 2e-15)
    assert score.low == max(score.transistors_low, score.capacitors)
    assert score.high == score.transistors_high + score.capacitors
    own = estimates(load_design("freepdk45"), replace(process, node_nm=45))
    assert (own.design, own.how) == ("freepdk45", "its transistors")
    wanted = areas(load_design("freepdk45"), tuple(own.areas))
    for name, area in own.areas.items():
        assert area.low == pytest.approx(wanted[name]["low_um2"])
        assert area.high == pytest.approx(wanted[name]["high_um2"])
