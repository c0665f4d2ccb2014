"""The built-in library for an estimate without a Liberty file: areas from transistor counts."""

from pathlib import Path

NAND2_UM2 = 0.80
"""Area of a 2-input NAND at 45 nm: 0.798 um2 in the Nangate open cell library."""
NAND2_TRANSISTORS = 4
NODE_NM = 45
VOLTAGE_V = 1.1
TAU_NS = 0.007
"""Delay of a fan-out of one at 45 nm: FO4 of about 28 ps (ITRS 2007) over 4."""
INPUT_FF = 1.5

NAME = "generic"
GATES = (
    # name, inputs, function, transistors in static CMOS
    ("INV", "A", "!A", 2),
    ("BUF", "A", "A", 4),
    ("BUF4", "A", "A", 8),
    ("NAND2", "A B", "!(A & B)", 4),
    ("NAND3", "A B C", "!(A & B & C)", 6),
    ("NOR2", "A B", "!(A | B)", 4),
    ("NOR3", "A B C", "!(A | B | C)", 6),
    ("AND2", "A B", "A & B", 6),
    ("OR2", "A B", "A | B", 6),
    ("AOI21", "A B C", "!((A & B) | C)", 6),
    ("OAI21", "A B C", "!((A | B) & C)", 6),
    ("AOI22", "A B C D", "!((A & B) | (C & D))", 8),
    ("OAI22", "A B C D", "!((A | B) & (C | D))", 8),
    ("XOR2", "A B", "A ^ B", 10),
    ("XNOR2", "A B", "!(A ^ B)", 10),
    ("MUX2", "A B S", "(A & !S) | (B & S)", 10),
)
ADDER_TRANSISTORS = 28
"""Mirror adder with both outputs inverted (Weste and Harris, CMOS VLSI Design, section 11.2)."""
FLOP_TRANSISTORS = 24
"""Two transmission-gate latches with their clock inverters (Weste and Harris, section 10.3)."""
GATE_TRANSISTORS = 18
"""A latch and an AND gate."""


def transistors(area_um2: float) -> int:
    """Transistors of an area in this library."""
    return round(area_um2 / NAND2_UM2 * NAND2_TRANSISTORS)


def write_generic(path: Path) -> None:
    """Write the library as a Liberty file. It has no energies: power is not estimated with it."""
    cells = [_gate(*gate) for gate in GATES]
    cells += [
        _cell(
            "FULLADD",
            ADDER_TRANSISTORS,
            _inputs("A B CI")
            + _output("CO", "(A & B) | (CI & (A | B))", "A B CI", 4)
            + _output("S", "A ^ B ^ CI", "A B CI", 6),
        ),
        _cell("DFF", FLOP_TRANSISTORS, _flop()),
        _cell("CLKGATE", GATE_TRANSISTORS, _clock_gate()),
    ]
    path.write_text(HEADER + "\n".join(cells) + "}\n")


HEADER = f"""\
library ({NAME}) {{
  delay_model : table_lookup;
  time_unit : "1ns";
  voltage_unit : "1V";
  leakage_power_unit : "1nW";
  capacitive_load_unit (1, ff);
  nom_voltage : {VOLTAGE_V};
  nom_temperature : 25;
  operating_conditions (estimate) {{ process : 1; voltage : {VOLTAGE_V}; temperature : 25; }}
  default_operating_conditions : estimate;
  lu_table_template (load) {{
    variable_1 : input_net_transition;
    variable_2 : total_output_net_capacitance;
    index_1 ("0, 1");
    index_2 ("0, {8 * INPUT_FF}");
  }}
"""


def _gate(name: str, inputs: str, function: str, count: int) -> str:
    strength = 4 if name.endswith("4") else 1
    output = _output("Y", function, inputs, len(inputs.split()), strength)
    return _cell(name, count, _inputs(inputs) + output)


def _cell(name: str, count: int, body: str) -> str:
    area = count / NAND2_TRANSISTORS * NAND2_UM2
    extra = "    clock_gating_integrated_cell : latch_posedge;\n" if name == "CLKGATE" else ""
    return f"  cell ({name}) {{\n    area : {area:g};\n{extra}{body}  }}\n"


def _inputs(names: str, clock: bool = False) -> str:
    mark = " clock : true;" if clock else ""
    return "".join(
        f"    pin ({name}) {{ direction : input; capacitance : {INPUT_FF};{mark} }}\n"
        for name in names.split()
    )


def _output(name: str, function: str, causes: str, parasitic: int, strength: int = 1) -> str:
    """Delay = tau (parasitic + load / input capacitance / strength)."""
    idle, loaded = TAU_NS * parasitic, TAU_NS * (parasitic + 8 / strength)
    tables = "".join(
        f'{kind} (load) {{ values ("{idle:g}, {loaded:g}", "{idle:g}, {loaded:g}"); }} '
        for kind in ("cell_rise", "cell_fall", "rise_transition", "fall_transition")
    )
    arcs = "".join(
        f"      timing () {{ related_pin : {cause}; {tables}}}\n" for cause in causes.split()
    )
    return f'    pin ({name}) {{ direction : output; function : "{function}";\n{arcs}    }}\n'


def _flop() -> str:
    state = '    ff (IQ, IQN) { next_state : "D"; clocked_on : "CK"; }\n'
    return (
        state
        + _inputs("D")
        + _inputs("CK", clock=True)
        + _output("Q", "IQ", "CK", 4).replace(
            "timing () {", "timing () { timing_type : rising_edge;"
        )
    )


def _clock_gate() -> str:
    return (
        "    pin (CK) { direction : input; clock_gate_clock_pin : true; "
        f"capacitance : {INPUT_FF}; }}\n"
        "    pin (E) { direction : input; clock_gate_enable_pin : true; "
        f"capacitance : {INPUT_FF}; }}\n"
        "    pin (GCK) { direction : output; clock_gate_out_pin : true; "
        'state_function : "CK & E"; }\n'
    )
