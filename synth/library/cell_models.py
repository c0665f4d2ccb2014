"""Verilog models of a library's cells, made from their functions, to simulate a netlist with."""

from collections.abc import Iterable

from gaincell.synth.library.boolean import expression
from gaincell.synth.library.cells import Cell, Library


def cell_models(library: Library, names: Iterable[str]) -> str:
    """Modules for the cells ``names``, without delays. Unconnected inputs are not defined."""
    return "\n".join(_model(library.cells[name]) for name in sorted(set(names)))


def _model(cell: Cell) -> str:
    lines = [f"module {cell.name} ({', '.join((*cell.inputs, *cell.outputs))});"]
    lines += [f"  input {pin};" for pin in cell.inputs]
    lines += [f"  output {pin};" for pin in cell.outputs]
    if cell.gate:
        lines += _clock_gate(cell)
    elif cell.next_state:
        lines += _flop(cell)
    else:
        lines += [
            f"  assign {pin} = {expression(cell.pins[pin].function).verilog()};"
            for pin in cell.outputs
        ]
    return "\n".join([*lines, "endmodule", ""])


def _flop(cell: Cell) -> list[str]:
    clock = expression(cell.clocked_on).verilog()
    names = dict(zip(cell.states, ("state", "(~state)"), strict=False))
    reset = ""
    for function, value in ((cell.clear, 0), (cell.preset, 1)):
        if function:
            reset += f"if ({expression(function).verilog()}) state <= 1'b{value}; else "
    edges = f"posedge {clock}" + "".join(
        f" or {'negedge' if function.strip('( ').startswith('!') else 'posedge'} "
        f"{expression(function).pins[0]}"
        for function in (cell.clear, cell.preset)
        if function
    )
    return [
        "  reg state;",
        f"  always @({edges}) {reset}state <= {expression(cell.next_state).verilog()};",
        *(
            f"  assign {pin} = {expression(cell.pins[pin].function).verilog(names)};"
            for pin in cell.outputs
        ),
    ]


def _clock_gate(cell: Cell) -> list[str]:
    clock, enable, out = (
        cell.roles[f"clock_gate_{role}_pin"] for role in ("clock", "enable", "out")
    )
    test = cell.roles.get("clock_gate_test_pin")
    opens = f"({enable} | {test})" if test else enable
    return [
        "  reg open;",
        f"  always @({clock} or {opens.strip('()').replace(' | ', ' or ')})"
        f" if (!{clock}) open = {opens};",
        f"  assign {out} = {clock} & open;",
    ]
