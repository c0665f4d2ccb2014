import gzip

import pytest

from gaincell.synth.library.cells import full_adder
from gaincell.synth.library.liberty_file import NotALibrary, load_library
from gaincell.synth.library.roles import clock_gate, driver

FLOP = """
  cell (FF) { area : 5; ff (IQ, IQN) { next_state : "D"; clocked_on : "CK"; }
    pin (D) { direction : input; capacitance : 2; }
    pin (CK) { direction : input; clock : true; capacitance : 1; }
    pin (Q) { direction : output; function : "IQ"; } }
"""
ENERGY = """
  power_lut_template (grid) { variable_1 : input_transition_time;
    variable_2 : total_output_net_capacitance; index_1 ("0, 1"); index_2 ("0, 10"); }
  cell (INV) { area : 1; cell_leakage_power : 3;
    leakage_power () { when : "A"; value : 2; } leakage_power () { when : "!A"; value : 4; }
    pin (A) { direction : input; capacitance : 1.5; }
    pin (Y) { direction : output; function : "!A";
      internal_power () { related_pin : "A";
        rise_power (grid) { values ("1, 3", "5, 7"); }
        fall_power (grid) { values ("0, 0", "0, 0"); } } } }
"""


def library_of(tmp_path, body, units="1ff"):
    amount, unit = units[:-2], units[-2:]
    text = f"""library (made) {{
  time_unit : "1ns"; voltage_unit : "1V"; leakage_power_unit : "1nW";
  capacitive_load_unit ({amount}, {unit}); nom_voltage : 1.1; nom_temperature : 25;
  {body} }}"""
    path = tmp_path / "made.lib"
    path.write_text(text)
    return path


def test_reads_units_into_si(tmp_path):
    library = load_library(library_of(tmp_path, FLOP + ENERGY))
    inverter = library.cells["INV"]
    assert library.label == "made, nominal, 1.1 V, 25 C"
    assert inverter.pins["A"].capacitance_f == pytest.approx(1.5e-15)
    assert inverter.leakage_w == pytest.approx(3e-9)
    assert dict(inverter.leakage_when) == pytest.approx({"A": 2e-9, "!A": 4e-9})


def test_energy_is_the_mean_of_rise_and_fall_between_points(tmp_path):
    library = load_library(library_of(tmp_path, FLOP + ENERGY))
    (energy,) = library.cells["INV"].pins["Y"].energies
    assert energy.at(0.0, 0.0) == pytest.approx(0.5e-15)
    assert energy.at(0.5e-9, 5e-15) == pytest.approx(2e-15)
    assert energy.at(9.0, 9.0) == pytest.approx(3.5e-15)


def test_capacitance_unit_scales_energy(tmp_path):
    library = load_library(library_of(tmp_path, FLOP + ENERGY, "1pf"))
    (energy,) = library.cells["INV"].pins["Y"].energies
    assert energy.at(0.0, 0.0) == pytest.approx(0.5e-12)


def test_reads_gzip(tmp_path):
    path = library_of(tmp_path, FLOP)
    packed = tmp_path / "made.lib.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert load_library(packed).cells.keys() == {"FF"}


def test_leaves_out_what_must_not_be_used(tmp_path):
    hidden = FLOP.replace("(FF)", "(FF2)").replace("area", "dont_use : true; area")
    library = load_library(library_of(tmp_path, FLOP + hidden))
    assert library.cells.keys() == {"FF"}
    assert library.unusable == ("FF2",)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"module head (); endmodule", "no library"),
        (b"library (x) { cell (A) { area : ", "no Liberty file that can be read"),
        (b"\x1f\x8bbroken", "cannot be read"),
        (b"", "no library"),
        (b"library (x) { cell (A\0) { } }", "it holds binary data"),
    ],
)
def test_refuses_what_is_no_liberty_file(tmp_path, content, reason):
    path = tmp_path / "wrong.lib"
    path.write_bytes(content)
    with pytest.raises(NotALibrary, match=reason):
        load_library(path)


def test_refuses_a_missing_file(tmp_path):
    with pytest.raises(NotALibrary, match="No such file"):
        load_library(tmp_path / "none.lib")


def test_refuses_a_library_without_flops(tmp_path):
    with pytest.raises(NotALibrary, match="no rising-edge flop"):
        load_library(library_of(tmp_path, ENERGY))


def test_an_enable_flop_alone_is_no_flop_for_registers(tmp_path):
    enabled = FLOP.replace('"D"', '"(D & E) | (IQ & !E)"')
    with pytest.raises(NotALibrary, match="no rising-edge flop"):
        load_library(library_of(tmp_path, enabled))


def test_generic_library_has_every_role(generic):
    assert full_adder(generic) == (
        "FULLADD",
        {"A": "A", "B": "B", "C": "CI", "X": "CO", "Y": "S"},
    )
    assert driver(generic).name == "BUF4"
    assert generic.cells["CLKGATE"].gate == "latch_posedge"
    assert generic.node_nm == 45


def test_small_library_has_every_role(small):
    assert small.label == "small45, typical, 1 V, 25 C"
    assert small.node_nm is None
    assert small.unusable == ("DFF_OLD",)
    assert full_adder(small)[0] == "FULLADD"
    assert driver(small).name == "BUF4"
    assert clock_gate(small).name == "CLKGATE"
    plain = {name for name, cell in small.cells.items() if cell.plain_flop}
    assert plain == {"DFF", "DFFR"}
    assert (small.cells["DFFR"].clear, small.cells["DFF"].clear) == ("!RN", "")
    assert small.cells["DFF"].outputs == ("Q", "QN")
    assert small.cells["DFF"].pins["CK"].clock
    assert small.transition_s == pytest.approx(0.1e-9)


def test_a_table_with_the_load_first_is_turned(small):
    """INV: rise 0.4 to 0.64 fJ, fall half of it; the rows of the file are loads of 1 and 40 fF."""
    (energy,) = small.cells["INV"].pins["Y"].energies
    assert energy.tables[0].value_j.shape == (3, 2)
    assert energy.at(0.01e-9, 1e-15) == pytest.approx(0.75 * 0.40e-15)
    assert energy.at(0.5e-9, 1e-15) == pytest.approx(0.75 * 0.56e-15)
    assert energy.at(0.01e-9, 40e-15) == pytest.approx(0.75 * 0.48e-15)
    assert energy.at(0.5e-9, 40e-15) == pytest.approx(0.75 * 0.64e-15)


def test_a_table_over_the_transition_alone_holds_for_every_load(small):
    low, high = small.cells["DFF"].pins["CK"].energies
    assert (low.when, high.when) == ("D", "!D")
    assert low.at(0.3e-9, 7e-15) == pytest.approx((2 + 4) / 2 * 1e-15)
    assert high.at(0.3e-9, 7e-15) == pytest.approx((3 + 5) / 2 * 1e-15)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "voltage_v", "adder", "flop_um2"),
    [
        ("nangate45_typ", 1.1, "FA_X1", 4.522),
        ("sky130hd_tt", 1.8, "sky130_fd_sc_hd__fa_1", 20.0192),
        ("sg13g2_typ", 1.2, None, 48.9888),
    ],
)
def test_real_libraries(real_library, name, voltage_v, adder, flop_um2):
    library = real_library(name)
    assert library.voltage_v == voltage_v
    assert library.cautions == ()
    best = full_adder(library)
    assert (best[0] if best else None) == adder
    assert min(cell.area_um2 for cell in library.cells.values() if cell.plain_flop) == flop_um2
    assert any(cell.gate for cell in library.cells.values())
