"""What the flow needs of a library, and where its node comes from."""

import pytest

from gaincell.synth.library.generic import write_generic
from gaincell.synth.library.liberty_file import load_library
from gaincell.synth.library.pdk import find_library
from gaincell.synth.library.roles import check_roles, clock_gate, driver, flop, lacking

GATE = """cell ({name}) {{ area : {area}; pin (A) {{ direction : input; }}
  pin (Y) {{ direction : output; function : "{function}"; }} }}"""


def test_small_library_lacks_only_ties(small):
    check_roles(small)
    assert flop(small).name == "DFF"
    assert lacking(small, clock_gating=True) == [
        "no tie cells, which constants of the netlist could become"
    ]


def test_every_missing_role_is_named_at_once(library_of):
    library = library_of()
    with pytest.raises(ValueError, match=r"no buffer.*; no inverter.*; no gate such as NAND"):
        check_roles(library)
    assert [each.partition(":")[0] for each in lacking(library, clock_gating=True)][:2] == [
        "no clock gate",
        "no full adder",
    ]
    assert len(lacking(library, clock_gating=False)) == 2


def test_a_missing_role_names_the_cell_that_could_not_be_read(library_of):
    body = GATE.format(name="INV", area="huge", function="!A")
    with pytest.raises(ValueError, match=r'no inverter.*left out, as area is "huge".*: INV'):
        check_roles(library_of(body))


def test_a_tie_cell_counts_where_it_is_not_used_itself(library_of):
    body = 'cell (TIE) { dont_use : true; pin (Y) { direction : output; function : "1"; } }'
    assert library_of(body).has_ties


def test_second_smallest_buffer_drives(library_of):
    sizes = {"BUF1": 1, "BUF8": 8, "BUF2": 2}
    cells = [GATE.format(name=name, area=area, function="A") for name, area in sizes.items()]
    assert driver(library_of("".join(cells))).name == "BUF2"


def test_a_clock_gate_that_does_not_name_its_pins_is_none(library_of, small):
    assert clock_gate(small).name == "CLKGATE"
    body = 'cell (CG) { clock_gating_integrated_cell : "latch_posedge"; pin (CK) { '
    body += "direction : input; } pin (E) { direction : input; } pin (Q) { direction : output; } }"
    library = library_of(body)
    assert "CG" in library.cells
    assert clock_gate(library) is None


NAMES = ("generic", "NanGate_15nm_OCL", "NangateOpenCellLibrary", "scl180_generic", "sky130_x")


@pytest.mark.parametrize("name", NAMES)
def test_no_name_tells_the_node(library_of, tmp_path, monkeypatch, name):
    monkeypatch.delenv("PDK_ROOT", raising=False)
    assert library_of(name=name).node_nm is None
    path = tmp_path / f"{name}.lib"
    assert find_library([path])[0].node_nm is None
    assert find_library([path], 7.5)[0].node_nm == 7.5


def test_a_file_below_pdk_root_has_the_node_of_its_pdk(tmp_path, monkeypatch):
    monkeypatch.setenv("PDK_ROOT", str(tmp_path))
    for pdk, node_nm in (("sky130B", 130), ("gf180mcuD", 180), ("mine130", None)):
        path = tmp_path / pdk / "libs" / "cells.lib"
        path.parent.mkdir(parents=True)
        write_generic(path)
        assert find_library([path])[0].node_nm == node_nm
        assert find_library([path], 65.0)[0].node_nm == 65


def test_without_a_library_the_estimate_is_at_45_nm(monkeypatch):
    monkeypatch.delenv("PDK_ROOT", raising=False)
    library, is_estimate = find_library()
    assert is_estimate
    assert library.node_nm == 45


@pytest.mark.parametrize(
    ("template", "table", "index", "values"),
    [
        ("", '(scalar) { values ("0.3"); }', ("0, 1", "0, 1"), ["0.3, 0.3", "0.3, 0.3"]),
        (
            "variable_1 : total_output_net_capacitance; index_1 (1, 4);",
            '(t) { values ("0.1, 0.2"); }',
            ("0, 1", "1, 4"),
            ["0.1, 0.2", "0.1, 0.2"],
        ),
        (
            "variable_1 : input_transition_time; index_1 (1, 4, 5);",
            '(t) { values ("0.1, 0.2, 0.3"); }',
            ("1, 4, 5", "0, 1"),
            ["0.1, 0.1", "0.2, 0.2", "0.3, 0.3"],
        ),
        (
            "variable_1 : input_net_transition; variable_2 : total_output_net_capacitance;",
            '(t) { index_1 ("1, 2"); index_2 ("3, 4"); values ("0.1, 0.2", "0.3, 0.4"); }',
            ("1, 2", "3, 4"),
            ["0.1, 0.2", "0.3, 0.4"],
        ),
    ],
    ids=["scalar", "load", "transition", "template without points"],
)
def test_abc_gets_delays_over_transition_and_load(tmp_path, template, table, index, values):
    path = tmp_path / "made.lib"
    path.write_text(f"""library (made) {{ capacitive_load_unit (1, ff);
      lu_table_template (t) {{ {template} }}
      cell (FF) {{ ff (IQ, IQN) {{ next_state : D; clocked_on : CK; }}
        pin (D) {{ direction : input; }} pin (CK) {{ direction : input; }}
        pin (Q) {{ direction : output; function : IQ;
          timing () {{ related_pin : CK; cell_rise {table} }} }} }} }}""")
    lines = [line.strip() for line in load_library(path).text.splitlines()]
    start = next(n for n, line in enumerate(lines) if line.startswith("cell_rise"))
    rows = ", ".join(f'"{row}"' for row in values)
    assert lines[start + 1 : start + 4] == [
        f'index_1 ("{index[0]}");',
        f'index_2 ("{index[1]}");',
        f"values ({rows});",
    ]
    name = lines[start].split('"')[1]
    assert f'lu_table_template ("{name}") {{' in lines
