"""Cells in the ways that libraries write them: read right, or a caution says what is not."""

import pytest

from gaincell.synth.library.liberty_file import NotALibrary, load_library

GRID = """
  power_lut_template (grid) { variable_1 : input_transition_time;
    variable_2 : total_output_net_capacitance; index_1 ("0, 1"); index_2 ("0, 10"); }
  power_lut_template (slope) { variable_1 : input_transition_time; index_1 ("0, 1"); }
  power_lut_template (cube) { variable_1 : input_transition_time;
    variable_2 : total_output_net_capacitance;
    variable_3 : equal_or_opposite_output_net_capacitance;
    index_1 ("0, 1"); index_2 ("0, 10"); index_3 ("0, 10"); }
"""


def inverter(power: str = "", pin: str = "capacitance : 1;", cell: str = "") -> str:
    return f"""{GRID} cell (INV) {{ area : 1; {cell} pin (A) {{ direction : input; {pin} }}
      pin (Y) {{ direction : output; function : "!A"; {power} }} }}"""


@pytest.mark.parametrize(
    ("power", "energy_fj"),
    [
        ('power (grid) { values ("2, 4", "6, 8"); }', 8),
        ('rise_power (grid) { values ("2, 4", "6, 8"); }', 4),
        ('rise_power (slope) { values ("2, 6"); } fall_power (slope) { values ("4, 8"); }', 7),
        ('rise_power (scalar) { values ("3"); } fall_power () { values ("5"); }', 4),
        ("power (scalar) { values (3.5); }", 3.5),
        ('power (cube) { values ("0, 2, 4, 6", "0, 2, 7, 9"); }', 8),
    ],
)
def test_energy_of_a_change(library_of, power, energy_fj):
    library = library_of(inverter(f'internal_power () {{ related_pin : "A"; {power} }}'))
    (energy,) = library.cells["INV"].pins["Y"].energies
    assert energy.at(1e-9, 10e-15) == pytest.approx(energy_fj * 1e-15)
    said = ("energies over equal_or_opposite_output_net_capacitance count with their mean over it",)
    assert [each.partition(":")[0] for each in library.cautions] == list(said) * ("cube" in power)


@pytest.mark.parametrize(
    "pin",
    [
        "capacitance : 3;",
        "capacitance : 3; rise_capacitance : 9;",
        "rise_capacitance : 2; fall_capacitance : 4;",
        "rise_capacitance : 3;",
        "rise_capacitance_range (1, 3); fall_capacitance_range (3, 5);",
    ],
)
def test_capacitance_of_a_pin(library_of, pin):
    library = library_of(inverter(pin=pin))
    assert library.cells["INV"].pins["A"].capacitance_f == pytest.approx(3e-15)
    assert "      capacitance : 3;\n" in library.text  # what ABC looks for


def test_a_library_may_have_a_default_capacitance(library_of):
    library = library_of("default_input_pin_cap : 4;" + inverter(pin=""))
    assert library.cells["INV"].pins["A"].capacitance_f == pytest.approx(4e-15)


@pytest.mark.parametrize(
    ("cell", "otherwise_nw", "when"),
    [
        ("cell_leakage_power : 6;", 6, {}),
        ("leakage_power () { value : 5; }", 0, {"": 5}),
        (
            'leakage_power () { when : "A"; value : 2; related_pg_pin : VDD; }'
            'leakage_power () { when : "A"; value : 3; related_pg_pin : VSS; }'
            "leakage_power () { value : 7; related_pg_pin : VDD; }",
            0,
            {"A": 5, "": 7},
        ),
        ("", 4, {}),
    ],
)
def test_leakage_of_a_cell(library_of, cell, otherwise_nw, when):
    library = library_of("default_leakage_power_density : 4;" + inverter(cell=cell))
    found = library.cells["INV"]
    assert found.leakage_w == pytest.approx(otherwise_nw * 1e-9)
    assert dict(found.leakage_when) == pytest.approx({key: n * 1e-9 for key, n in when.items()})


PINS = {
    "list": "pin (A, B) { direction : input; capacitance : 2; }",
    "bundle": "bundle (X) { members (A, B); direction : input; capacitance : 2; }",
    "bundle with pins": "bundle (X) { members (A, B); direction : input; "
    "pin (A) { capacitance : 2; } pin (B) { capacitance : 2; } }",
}


@pytest.mark.parametrize("pins", PINS)
def test_pins_in_lists_and_bundles_stand_alone(library_of, pins):
    gate = f"cell (AND) {{ area : 1; {PINS[pins]} pin (Y) {{ direction : output; "
    library = library_of(gate + 'function : "A & B"; } }')
    cell = library.cells["AND"]
    assert cell.inputs == ("A", "B")
    assert [cell.pins[pin].capacitance_f for pin in "AB"] == pytest.approx([2e-15] * 2)
    for pin in "AB":
        assert library.text.count(f'pin ("{pin}")') == 1
    assert "bundle" not in library.text


LEFT_OUT = {
    "a bus": (
        "type (two) { bit_from : 1; bit_to : 0; } cell (X) { bus (A) { bus_type : two; "
        'direction : input; } pin (Y) { direction : output; function : "A[0] & A[1]"; } }',
        "left out, as it has a bus: X",
    ),
    "a strange function": (
        'cell (X) { pin (Y) { direction : output; function : "A ? B"; } }',
        'left out, as function "A ? B" has a misplaced " ": X',
    ),
    "an unknown pin": (
        'cell (X) { pin (Y) { direction : output; function : "A"; } }',
        'left out, as function "A" has the unknown pin A: X',
    ),
    "a number that is none": (
        'cell (X) { area : big; pin (Y) { direction : output; function : "1"; } }',
        'left out, as area is "big", but must be a number: X',
    ),
    "a table of an unknown template": (
        inverter('internal_power () { power (none) { values ("1"); } }').replace("INV", "X"),
        'left out, as the template "none" of a table is not defined: X',
    ),
    "a table of too few values": (
        inverter('internal_power () { power (grid) { values ("1, 2, 3"); } }').replace("INV", "X"),
        "left out, as a table has 3 values for 2 x 2 points: X",
    ),
    "a pin without a direction": (
        'cell (X) { pin (A) { } pin (Y) { direction : output; function : "A"; } }',
        "left out, as pin A has no direction: X",
    ),
    "no function": ("cell (X) { pin (Y) { direction : output; } }", None),
    "no output": ("cell (X) { pin (A) { direction : input; } }", None),
    "three states": (
        'cell (X) { pin (A) { direction : input; } pin (Y) { direction : output; function : "A"; '
        'three_state : "!A"; } }',
        None,
    ),
    "a level shifter": (
        "cell (X) { is_level_shifter : true; pin (A) { direction : input; } pin (Y) { "
        'direction : output; function : "A"; } }',
        None,
    ),
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_a_cell_without_use_is_left_out_of_everything(library_of, case):
    body, caution = LEFT_OUT[case]
    library = library_of(body)
    assert library.cells.keys() == {"FF"}
    assert library.unusable == ("X",)
    assert '("X")' not in library.text
    assert library.cautions == (() if caution is None else (caution,))


@pytest.mark.parametrize(
    ("body", "caution"),
    [
        (
            inverter('internal_power () { when : "A ~~"; power () { values ("1"); } }'),
            "a condition that cannot be read counts as always: INV",
        ),
        (
            inverter(cell='leakage_power () { when : "Z"; value : 3; }'),
            "a condition that cannot be read counts as always: INV",
        ),
        (
            inverter(cell='internal_power () { power () { values ("1"); } }'),
            "internal_power outside of a pin is not counted: INV",
        ),
        (
            inverter("internal_power () { power_poly (p) { } }"),
            "internal_power without a table is not counted: INV",
        ),
    ],
)
def test_what_is_not_read_is_said(library_of, body, caution):
    library = library_of(body)
    assert "INV" in library.cells
    assert library.cautions == (caution,)


def test_a_library_without_a_voltage_is_said(library_of):
    library = library_of(header='leakage_power_unit : "1nW"; capacitive_load_unit (1, ff);')
    assert library.cautions == ("no supply voltage is stated: switched nets count no power",)


def test_the_nominal_values_tell_which_conditions_hold(library_of):
    conditions = (
        "nom_voltage : 1.1; nom_temperature : 25; leakage_power_unit : 1nW;"
        "capacitive_load_unit (1, ff);"
        "operating_conditions (fast) { voltage : 1.3; temperature : 0; }"
        "operating_conditions (usual) { voltage : 1.1; temperature : 25; }"
    )
    assert library_of(header=conditions).label == "made, usual, 1.1 V, 25 C"
    fast = conditions + "default_operating_conditions : fast;"
    assert library_of(header=fast).label == "made, fast, 1.3 V, 0 C"


def test_a_flop_that_cannot_be_read_is_the_reason_for_none(library_of):
    with pytest.raises(NotALibrary, match=r"has no rising-edge flop .*cell_leakage_power is \"x\""):
        library_of(flop="cell (FF) { cell_leakage_power : x; ff (IQ, IQN) { } }")


def test_damaged_compressed_data_are_said(tmp_path):
    import gzip

    packed = gzip.compress(b"library (x) { }" * 100)
    for damage in (packed[:20], packed[:15] + b"\xff" * 9 + packed[24:]):
        path = tmp_path / "damaged.lib.gz"
        path.write_bytes(damage)
        with pytest.raises(NotALibrary, match="as the compressed data are damaged: "):
            load_library(path)
