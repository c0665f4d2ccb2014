"""DACs, drivers of word lines and converters that differ, in transistors."""

import numpy as np
import pytest

from gaincell.spice.design import load_design
from gaincell.spice.measure.line_driver import line_drive
from gaincell.spice.measure.write_dac import write_rows
from gaincell.spice.ngspice import NoResult
from gaincell.spice.record.drives import dac

pytestmark = [pytest.mark.needs("ngspice", "freepdk45"), pytest.mark.cosim]


@pytest.fixture(scope="module")
def design():
    return load_design("freepdk45_long")


def test_single_rows_get_the_level_of_their_code(design):
    levels = design.levels
    for before, code in ((7, 0), (0, 3), (3, 7)):
        found = write_rows(design, [before], [code])
        assert found.line_v[0] == pytest.approx(levels.stored_v(code), abs=levels.step_v / 50)


def test_a_ladder_takes_its_current_while_it_is_on(design):
    levels = design.levels
    found = write_rows(design, [4], [4])
    ohm = 7 * design.sizes["r_ladder"] * (1 + levels.lowest_v / (7 * levels.step_v))
    on_s = (levels.write_cycles - 1) * levels.clock_s
    assert found.ladder_j == pytest.approx(0.9**2 / ohm * on_s, rel=0.1)


def test_rows_beside_each_other_pull_the_ladder(design):
    alone = write_rows(design, [0], [4]).line_v[0]
    together = write_rows(design, [0] * 64, [4] * 64).line_v
    assert np.ptp(together) == 0
    assert 0.005 < alone - together[0] < design.levels.step_v


def test_a_driver_takes_at_least_the_charge_of_its_lines(design):
    levels = design.levels
    found = line_drive(design)
    wires_j = 2 * levels.columns * levels.line_f * levels.cell_v**2
    assert wires_j < found.energy_j < 4 * wires_j
    assert abs(found.longer_s) < 0.02 * levels.clock_s
    assert abs(found.longer_complement_s) < 0.02 * levels.clock_s


def test_a_dac_of_other_codes_is_a_report(design):
    with pytest.raises(NoResult, match="they have 8 levels, but the design 4"):
        dac(design.at(code_bits=2), np.random.default_rng(0))
