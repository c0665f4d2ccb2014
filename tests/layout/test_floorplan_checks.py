"""Room for copies of a drawing, and what the checks of a floorplan see."""

import pytest

from gaincell.config import HeadConfig
from gaincell.hdl.verilog import TOP, head_verilog
from gaincell.layout.floorplan.blocks import DRIVERS, GAP
from gaincell.layout.floorplan.draw import SLICE, STRIP
from gaincell.layout.floorplan.flow import check_arrays, lay_out_arrays
from gaincell.layout.floorplan.neighbours import too_near
from gaincell.layout.floorplan.ports import head_ports
from gaincell.layout.floorplan.rooms import Unit
from gaincell.layout.floorplan.units import clearance
from gaincell.layout.klayout import db
from gaincell.spice.design import load_design


def test_the_checks_pass_and_see_planted_errors(process):
    head = HeadConfig(head_dim=1, window=1, columns=1)
    ports = head_ports(head_verilog(head), TOP)
    arrays = lay_out_arrays(head, load_design(process.design), process, ports)
    said = []
    checks = check_arrays(arrays, process, said.append)
    assert (checks.violations, checks.too_near, checks.other_circuits) == ({}, 0, [])
    assert len(said) == 6
    shifted = next(
        each
        for each in arrays.layout.cell(SLICE).each_inst()
        if each.cell.name == "score_converter"
    )
    shifted.transform(db().Trans(0, -GAP + clearance(process) - 10))
    driver = arrays.drawings.drawn[DRIVERS].drawn
    driver.cell.shapes(driver.layout.layer(*process.layers["via"])).clear()
    strip = arrays.layout.cell(STRIP)
    strip.shapes(arrays.layout.layer(*process.layers["m1"])).insert(db().Box(0, 0, 100, 100))
    checks = check_arrays(arrays, process, said.append)
    assert checks.too_near > 0
    assert checks.other_circuits == [DRIVERS]
    assert {"m1.1", "m1.6"} <= checks.violations.keys()


@pytest.mark.parametrize(("distance", "count"), [(1000, 0), (990, 1), (0, 1), (-500, 1)])
@pytest.mark.parametrize("diagonal", [False, True])
def test_neighbours_are_seen(process, distance, count, diagonal):
    layout = db().Layout()
    top, part = layout.create_cell("top"), layout.create_cell("part")
    part.shapes(layout.layer(1, 0)).insert(db().Box(0, 0, 2000, 2000))
    up = 2000 + distance if diagonal else 700
    for place in (db().Trans(), db().Trans(2000 + distance, up)):
        top.insert(db().CellInstArray(part.cell_index(), place))
    assert too_near(top, process, 1000) == count


@pytest.mark.parametrize("sides", [None, (3000, 500), (700, 900)])
@pytest.mark.parametrize("count", [1, 2, 7, 30])
def test_a_block_has_room_for_its_copies(sides, count):
    unit = Unit(1.5, sides, apart=100 if sides else 0)
    for along in (400, 1000, 5000, 100_000):
        for block, side in (
            (unit.under("part", count, along), "width"),
            (unit.beside("part", count, along), "height"),
        ):
            assert block.count == count
            least = unit.narrowest
            assert getattr(block, side) <= along or getattr(block, side) == least
            if sides is None:
                assert block.um2 >= count * unit.um2
            places = list(block.each())
            assert len(places) == (count if sides else 1)
            assert block.um2 == pytest.approx(sum(w * h for _, _, w, h in places) / 1e6)
        assert unit.most(block.width, block.height) >= count * (sides is not None)
    assert unit.most(-5, 1000) == unit.most(1000, 0) == 0
