from collections import defaultdict
from dataclasses import replace

import pytest

from gaincell.synth.library.liberty_file import load_library
from gaincell.synth.netlist import Instance, Netlist, Port
from gaincell.synth.saif import Activity
from gaincell.synth.steps.clock_tree import FANOUT, clock_tree
from gaincell.synth.steps.opensta_power import CellPower
from gaincell.synth.steps.power import net_loads, power_of
from gaincell.synth.steps.power_cautions import power_cautions
from gaincell.synth.wire_estimate import PER_CELL, WIRE_F_PER_UM, WireEstimate

LIBRARY = """library (made) {
  time_unit : "1ns"; voltage_unit : "1V"; leakage_power_unit : "1nW";
  capacitive_load_unit (1, ff); nom_voltage : 2; nom_temperature : 25;
  power_lut_template (flat) { variable_1 : input_transition_time;
    variable_2 : total_output_net_capacitance; index_1 ("0, 1, 2"); index_2 ("0, 1"); }
  cell (FF) { area : 4; cell_leakage_power : 7;
    ff (IQ, IQN) { next_state : "D"; clocked_on : "CK"; }
    pin (D) { direction : input; capacitance : 2; }
    pin (CK) { direction : input; clock : true; capacitance : 1;
      internal_power () { when : "D"; rise_power (flat) { values ("3,3", "3,3", "3,3"); }
        fall_power (flat) { values ("1,1", "1,1", "1,1"); } }
      internal_power () { when : "!D"; rise_power (flat) { values ("5,5", "5,5", "5,5"); }
        fall_power (flat) { values ("5,5", "5,5", "5,5"); } } }
    pin (Q) { direction : output; function : "IQ"; } }
  cell (BUF) { area : 1; cell_leakage_power : 0;
    pin (A) { direction : input; capacitance : 3; }
    pin (Y) { direction : output; function : "A"; } }
  cell (AND) { area : 1; cell_leakage_power : 3;
    leakage_power () { when : "A & B"; value : 8; }
    leakage_power () { when : "!A | !B"; value : 4; }
    pin (A) { direction : input; capacitance : 1; }
    pin (B) { direction : input; capacitance : 1; }
    pin (Y) { direction : output; function : "A & B";
      internal_power () { related_pin : "A"; rise_power (flat) { values ("4,4", "4,4", "4,4"); }
        fall_power (flat) { values ("0,0", "0,0", "0,0"); } }
      internal_power () { related_pin : "B"; rise_power (flat) { values ("8,8", "8,8", "8,8"); }
        fall_power (flat) { values ("0,0", "0,0", "0,0"); } } } }
}"""


@pytest.fixture
def library(tmp_path):
    path = tmp_path / "made.lib"
    path.write_text(LIBRARY)
    return load_library(path)


NETLIST = Netlist(
    "gaincell_head",
    (Port("clk", "input", ("clk",)), Port("b", "input", ("b",)), Port("y", "output", ("y",))),
    (
        Instance("u0", "FF", {"CK": "clk", "D": "y", "Q": "q"}),
        Instance("u1", "AND", {"A": "q", "B": "b", "Y": "y"}),
    ),
    (),
    {},
)
BLOCK = {"u0": "readout", "u1": "sequencer"}


def activity(high=None, **changes_per_s):
    return Activity(high or {}, changes_per_s, 1e-6, 1.0)


def test_loads_are_the_inputs_on_a_net(library):
    loads = net_loads(NETLIST, library)
    assert loads["y"] == pytest.approx(2e-15)
    assert loads["q"] == pytest.approx(1e-15)


def test_a_still_netlist_only_leaks(library):
    power = power_of(NETLIST, library, activity({"q": 0.5, "b": 0.5}), BLOCK)
    assert power.total_w == power.leakage_w
    assert power.leakage_w == pytest.approx((7 + 0.25 * 8 + 0.75 * 4) * 1e-9, rel=0.1)


def test_clock_energy_is_weighted_with_its_conditions(library):
    for ones, mean_fj in ((1.0, 2.0), (0.0, 5.0), (0.5, 3.5)):
        power = power_of(NETLIST, library, activity({"y": ones}, clk=2e9), BLOCK)
        assert power.internal_w == pytest.approx(2e9 * mean_fj * 1e-15)


def test_output_energy_is_weighted_with_what_causes_it(library):
    power = power_of(NETLIST, library, activity(q=3e9, b=1e9, y=2e9), BLOCK)
    causes_fj = (3 * 2 + 1 * 4) / 4
    assert power.internal_w == pytest.approx(2e9 * causes_fj * 1e-15)
    assert power.by_block["sequencer"] > power.by_block["readout"]


def test_net_power_is_half_c_v_squared(library):
    power = power_of(NETLIST, library, activity(y=1e9), BLOCK)
    assert power.net_w == pytest.approx(0.5 * 2e-15 * 2**2 * 1e9)
    wire_f = WireEstimate.of(NETLIST, library).length_um("y", 1) * WIRE_F_PER_UM
    assert power.wires_w == pytest.approx(0.5 * wire_f * 2**2 * 1e9)


def test_wires_of_a_gated_clock_are_counted_in_the_clock_tree_alone(library):
    flop, gate = NETLIST.instances
    gated = replace(flop, pins=flop.pins | {"CK": "y"}), gate
    power = power_of(replace(NETLIST, instances=gated), library, activity(y=1e9), BLOCK)
    assert power.wires_w == 0
    assert power.clock_tree_w > 0


def test_wires_grow_with_sinks_cells_and_pitch_and_lead_to_ports():
    usual = WireEstimate(1000, 3.0, frozenset({"port"}))
    assert usual.length_um("n", 0) == 0
    assert usual.length_um("n", 1) < usual.length_um("n", 2) < usual.length_um("n", 3)
    assert usual.length_um("port", 1) > usual.length_um("n", 1)
    assert usual.length_um("port", 0) > 0
    larger = WireEstimate(16000, 3.0, frozenset({"port"}))
    assert larger.length_um("n", 2) / usual.length_um("n", 2) == pytest.approx(16**PER_CELL)
    to_edge = [each.length_um("port", 0) for each in (usual, larger)]
    assert to_edge[1] / to_edge[0] == pytest.approx(4.0)
    wider = WireEstimate(1000, 6.0, frozenset({"port"}))
    assert wider.length_um("port", 3) == pytest.approx(2 * usual.length_um("port", 3))


def test_the_pitch_is_that_of_the_cells_area(library):
    estimate = WireEstimate.of(NETLIST, library)
    assert estimate.pitch_um == pytest.approx((5 / 2) ** 0.5)
    assert estimate.ports == {"clk", "b", "y"}


def test_parts_add_up(library):
    power = power_of(NETLIST, library, activity(clk=2e9, y=1e9, q=1e9, b=1e8), BLOCK)
    assert sum(power.by_block.values()) + power.clock_tree_w == pytest.approx(power.total_w)
    inputs_w = power.by_block["inputs"]
    assert power.cells_w < power.internal_w + power.net_w + power.leakage_w
    assert inputs_w > 0


@pytest.mark.parametrize(
    ("flops", "buffers"),
    [(FANOUT, 0), (FANOUT + 1, 2), (FANOUT**2, FANOUT), (FANOUT**2 + 1, FANOUT + 1 + 2)],
)
def test_clock_tree_has_a_buffer_for_every_few_sinks(library, flops, buffers):
    instances = tuple(Instance(f"u{n}", "FF", {"CK": "clk", "D": "d"}) for n in range(flops))
    netlist = Netlist("gaincell_head", (), instances, (), {})
    tree = clock_tree(netlist, library, defaultdict(float, clk=2e9), WIRE_F_PER_UM)
    assert tree.buffers == buffers
    assert tree.area_um2 == buffers
    still = clock_tree(netlist, library, defaultdict(float), WIRE_F_PER_UM)
    assert still.power_w == 0 < tree.power_w


TWO_SUPPLIES = """library (made) { leakage_power_unit : "1nW"; capacitive_load_unit (1, ff);
  time_unit : "1ns"; voltage_unit : "1V"; nom_voltage : 2; nom_temperature : 25;
  cell (FF) { leakage_power () { when : "D"; value : 8; related_pg_pin : VDD; }
    leakage_power () { when : "D"; value : 1; related_pg_pin : VSS; }
    leakage_power () { value : 3; related_pg_pin : VDD; }
    ff (IQ, IQN) { next_state : "D"; clocked_on : "CK"; }
    pin (D) { direction : input; capacitance : 2; }
    pin (CK) { direction : input; clock : true; capacitance : 1;
      internal_power () { related_pg_pin : VDD; when : "D"; power () { values ("4"); } }
      internal_power () { related_pg_pin : VDD; power () { values ("2"); } }
      internal_power () { related_pg_pin : VSS; rise_power () { values ("1"); } } }
    pin (Q) { direction : output; function : "IQ"; } }
  cell (BUF) { pin (A) { direction : input; capacitance : 3; }
    pin (Y) { direction : output; function : "A"; } } }"""


@pytest.fixture
def two_supplies(tmp_path):
    path = tmp_path / "two.lib"
    path.write_text(TWO_SUPPLIES)
    return load_library(path)


@pytest.mark.parametrize("ones", [0.0, 0.25, 1.0])
def test_supplies_add_up_and_the_rest_of_conditions_has_its_own_value(two_supplies, ones):
    flop = Instance("u0", "FF", {"CK": "clk", "D": "d", "Q": "q"})
    netlist = Netlist("gaincell_head", (), (flop,), (), {})
    power = power_of(netlist, two_supplies, activity({"d": ones}, clk=2e9), {"u0": "readout"})
    energy_fj = ones * 4 + (1 - ones) * 2 + 0.5
    assert power.internal_w == pytest.approx(2e9 * energy_fj * 1e-15)
    assert power.leakage_w == pytest.approx((ones * 9 + (1 - ones) * 3) * 1e-9)


def cautions(library, theirs=None, **rates):
    power = power_of(NETLIST, library, activity(**rates), BLOCK)
    return power, list(power_cautions(power, theirs, NETLIST, library))


def test_what_the_cells_used_lack_is_said(library):
    _, said = cautions(library)
    assert said == []
    bare = {
        name: replace(cell, leakage_w=0.0, leakage_when=()) for name, cell in library.cells.items()
    }
    bare["AND"] = replace(
        bare["AND"],
        pins={
            name: replace(pin, energies=(), capacitance_f=0.0)
            for name, pin in bare["AND"].pins.items()
        },
    )
    _, said = cautions(replace(library, cells=bare))
    assert said == [
        "internal power is too low, as the library has no internal_power for 1 of 2 cells: AND",
        "leakage power is too low, as the library has no leakage for any cell",
        "net power is too low, as the library has no capacitance for 1 of 2 cells: AND",
    ]


@pytest.mark.parametrize(
    ("factor", "part", "sentence"),
    [
        (2.9, "internal", None),
        (1 / 2.9, "internal", None),
        (
            1000,
            "internal",
            "OpenSTA's power is 1e+03 times ours, above all in internal power: like",
        ),
        (
            1000,
            "leakage",
            "OpenSTA's power is 1e+03 times ours, above all in leakage power: likely",
        ),
        (0.25, "net", "OpenSTA's power is 0.25 times ours, above all in net power: likely"),
        (0, "net", "OpenSTA's power is nothing, above all in net power: likely it takes other cap"),
    ],
)
def test_opensta_far_from_ours_is_said_with_the_likely_reason(library, factor, part, sentence):
    power, _ = cautions(library, clk=2e9, y=1e9, q=1e9)
    parts = {name: getattr(power, f"{name}_w") for name in ("internal", "net", "leakage")}
    parts[part] += (factor - 1) * max(power.cells_w, 1e-3)
    theirs = CellPower(**{f"{k}_w": v for k, v in parts.items()}, total_w=factor * power.cells_w)
    said = list(power_cautions(power, theirs, NETLIST, library))
    assert [each[: len(sentence or "")] for each in said] == (
        [] if sentence is None else [sentence]
    )
