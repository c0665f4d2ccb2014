"""The same cells in other units give the same numbers, and the same text for the tools."""

import re
from decimal import Decimal

import pytest

from gaincell.synth.library.liberty_file import NotALibrary, load_library
from gaincell.synth.library.liberty_text import parse
from gaincell.synth.library.units import rescale

CELLS = """
library (same) {{
  {declared}
  nom_voltage : {volt}1.1; nom_temperature : 25; default_max_transition : {time}0.5;
  lu_table_template (delay) {{ variable_1 : input_net_transition;
    variable_2 : total_output_net_capacitance;
    index_1 ("{time}0.01, {time}0.5"); index_2 ("{cap}1, {cap}8"); }}
  power_lut_template (energy) {{ variable_1 : total_output_net_capacitance;
    variable_2 : input_transition_time;
    index_1 ("{cap}1, {cap}8"); index_2 ("{time}0.01, {time}0.5"); }}
  cell (FF) {{ area : 5; cell_leakage_power : {leak}7;
    leakage_power () {{ when : "D"; value : {leak}3.5; }}
    ff (IQ, IQN) {{ next_state : "D"; clocked_on : "CK"; }}
    pin (D) {{ direction : input; capacitance : {cap}2.25; max_transition : {time}0.4; }}
    pin (CK) {{ direction : input; clock : true; rise_capacitance : {cap}1;
      fall_capacitance : {cap}3; min_pulse_width_high : {time}0.03; }}
    pin (Q) {{ direction : output; function : "IQ"; max_capacitance : {cap}60;
      timing () {{ related_pin : "CK"; timing_type : rising_edge; intrinsic_rise : {time}0.1;
        cell_rise (delay) {{ values ("{time}0.08, {time}0.11", "{time}0.12, {time}0.2"); }} }}
      internal_power () {{ related_pin : "CK";
        power (energy) {{ values ("{energy}1.5, {energy}2", "{energy}3, {energy}4.25"); }} }} }} }}
}}
"""
"""Numbers in ns, fF, V and nW; in front of each stands the name of its factor."""

UNITS = {
    # declaration: one number of the base library in this unit, by quantity
    "base": ('time_unit : "1ns"; capacitive_load_unit (1, ff); leakage_power_unit : "1nW";', {}),
    "ps": (
        'time_unit : "1ps"; capacitive_load_unit (1, ff); leakage_power_unit : "1nW";',
        {"time": "1000"},
    ),
    "10ps and 100uW": (
        'time_unit : "10ps"; capacitive_load_unit (1, ff); leakage_power_unit : "100uW";',
        {"time": "100", "leak": "0.00001"},
    ),
    "100ps and 1000 fF": (
        "time_unit : 100ps; capacitive_load_unit (1000, ff); leakage_power_unit : 1pW;",
        {"time": "10", "cap": "0.001", "leak": "1000"},
    ),
    "0.001 pF": (
        'time_unit : "1 ns"; capacitive_load_unit (0.001, pf); leakage_power_unit : "1mW";',
        {"leak": "0.000001"},
    ),
    "capitals": (
        'time_unit : "1NS"; capacitive_load_unit ("1", "PF"); leakage_power_unit : "1UW";',
        {"cap": "0.001", "leak": "0.001"},
    ),
    "millivolt": (
        'voltage_unit : "1mV"; capacitive_load_unit (10, ff); leakage_power_unit : "10nW";',
        {"volt": "1000", "cap": "0.1", "leak": "0.1"},
    ),
}


def text_in(units: str) -> str:
    declared, factors = UNITS[units]
    names = ("time", "cap", "leak", "volt")
    factor = {name: Decimal(factors.get(name, "1")) for name in names}
    factor["energy"] = factor["cap"] * factor["volt"] ** 2
    marks = {name: f"@{name}@" for name in factor}
    marked = CELLS.format(declared=declared, **marks)
    return re.sub(
        r"@(\w+)@([\d.]+)", lambda found: str(factor[found[1]] * Decimal(found[2])), marked
    )


@pytest.fixture
def library_in(tmp_path):
    def read(units):
        path = tmp_path / "same.lib"
        path.write_text(text_in(units))
        return load_library(path)

    return read


@pytest.mark.parametrize("units", [name for name in UNITS if name != "base"])
def test_other_units_give_the_same_text_and_numbers(library_in, units):
    base, other = library_in("base"), library_in(units)
    assert other.text == base.text
    assert other.label == base.label == "same, nominal, 1.1 V, 25 C"
    assert other.cautions == ()
    flop = other.cells["FF"]
    assert flop.pins["D"].capacitance_f == pytest.approx(2.25e-15)
    assert flop.pins["CK"].capacitance_f == pytest.approx(2e-15)
    assert (flop.leakage_w, flop.leakage_when[0][1]) == pytest.approx((7e-9, 3.5e-9))
    (energy,) = flop.pins["Q"].energies
    assert energy.at(0.5e-9, 8e-15) == pytest.approx(4.25e-15)
    assert energy.at(0.01e-9, 8e-15) == pytest.approx(3e-15)


def test_the_tools_get_one_set_of_units(library_in):
    text = library_in("10ps and 100uW").text
    assert 'time_unit : "1ns";' in text
    assert 'capacitive_load_unit (1, "ff");' in text
    assert 'leakage_power_unit : "1nW";' in text
    assert text.count("_unit ") == 6
    assert "default_max_transition : 0.5;" in text
    assert "intrinsic_rise : 0.1;" in text
    assert "min_pulse_width_high : 0.03;" in text


def test_numbers_without_a_unit_stay(library_in):
    text = text_in("ps").replace("area : 5;", "area : 5; drive_strength : 4;")
    (library,) = parse(text)
    rescale(library)
    (cell,) = library.groups("cell")
    assert (cell.number("area"), cell.number("drive_strength")) == (5, 4)
    assert library.number("nom_temperature") == 25


def test_units_that_no_file_declares_are_said(tmp_path):
    path = tmp_path / "silent.lib"
    path.write_text(CELLS.format(declared="", time="", cap="", leak="", volt="", energy=""))
    library = load_library(path)
    assert library.cells["FF"].pins["D"].capacitance_f == pytest.approx(2.25e-12)
    assert library.cautions == (
        "no leakage_power_unit is declared: 1nW is assumed",
        "no capacitive_load_unit is declared: 1pf is assumed",
    )


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ('time_unit : "1 fortnight";', 'time_unit is "1 fortnight", which is no unit'),
        ('time_unit : "1pF";', 'time_unit is "1pF", which is no unit'),
        ("capacitive_load_unit (0, ff);", r'capacitive_load_unit is "0 ff", but must be above 0'),
        ('time_unit : "1ns"; time_unit : "1ps";', "declared twice, as 1ns and as 1ps"),
    ],
)
def test_refuses_what_is_no_unit(tmp_path, wrong, sentence):
    path = tmp_path / "wrong.lib"
    path.write_text(CELLS.format(declared=wrong, time="", cap="", leak="", volt="", energy=""))
    with pytest.raises(NotALibrary, match=sentence):
        load_library(path)
