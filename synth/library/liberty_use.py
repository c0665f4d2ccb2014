"""Which cells of a Liberty library the flow uses, and why it leaves the others out."""

from gaincell.synth.library.cells import Cell
from gaincell.synth.library.liberty_text import Group

SPECIAL = (
    *("is_level_shifter", "is_isolation_cell", "is_macro_cell", "pad_cell", "is_pad"),
    *("is_filler_cell", "is_decap_cell", "is_tap_cell", "always_on"),
)
"""Attributes of cells that are no logic, or need supplies of their own."""
KINDS = ("retention_cell", "switch_cell_type", "power_gating_cell", "level_shifter_type")
NEVER_USED = ("probe", "lpflow", "antenna", "tiehi", "tielo", "__decap", "__fill", "__tap")
"""The same, as parts of names."""


def reason_unusable(group: Group) -> str:
    """Why synthesis must not use the cell of ``group``, as a clause; "" if it may."""
    gate = group.text("clock_gating_integrated_cell")
    if group.true("dont_use") and not gate:
        return "dont_use"
    special = any(map(group.true, SPECIAL)) or any(map(group.text, KINDS))
    if special or any(part in group.name.lower() for part in NEVER_USED):
        return "no logic, or a supply of its own"
    return ""


def reason_unmappable(group: Group) -> str:
    """Why no tool here maps to the cell of ``group``, as a clause; "" if they do."""
    if any(group.groups("ff_bank", "latch_bank")):
        return "it keeps several bits"
    return "it has a bus" if any(group.groups("bus")) else ""


def reason_left_out(cell: Cell) -> str:
    """Why a cell that was read has no use here, as a clause; "" if it has one."""
    if not cell.outputs:
        return "no output"
    if cell.gate or cell.latch:
        return ""
    if any(not cell.pins[pin].function for pin in cell.outputs):
        return "no function"
    if any(cell.pins[pin].three_state for pin in cell.outputs):
        return "three states"
    return ""
