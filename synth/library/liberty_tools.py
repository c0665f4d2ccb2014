"""A library's cells as the Liberty text that Yosys, ABC and OpenSTA get: what all of them read."""

import re
from contextlib import suppress
from dataclasses import replace

from gaincell.synth.library.boolean import expression
from gaincell.synth.library.liberty_pins import bundle_members, capacitance, pin_names
from gaincell.synth.library.liberty_tables import square_delays
from gaincell.synth.library.liberty_text import Attribute, Group, write

DROPPED = (
    *("output_current", "receiver_capacitance", "ccsn", "dc_current", "compact_ccs", "ocv_"),
    *("base_curves", "normalized_driver_waveform", "noise", "steady_state_current"),
    *("propagated_noise", "hyperbolic_noise", "dynamic_current", "leakage_current"),
    *("intrinsic_parasitic", "gate_leakage", "define", "iv_lut", "pg_current", "scaled_cell"),
)
"""Beginnings of the names of what no tool here needs: waveforms, noise, currents, definitions."""
FUNCTIONS = ("function", "next_state", "clocked_on", "clear", "preset", "data_in", "enable")
MIXED = re.compile(r"\^.*([&*+|]|\w\s+\w)|([&*+|]|\w\s+\w).*\^")
"""A function with XOR beside another operation: tools disagree about which goes first."""
THRESHOLDS = {
    "input_threshold_pct_{}": "50",
    "output_threshold_pct_{}": "50",
    "slew_lower_threshold_pct_{}": "20",
    "slew_upper_threshold_pct_{}": "80",
}
"""Liberty's defaults, without which OpenSTA refuses a library."""


class ToolText:
    """Collects cells of ``library``, and gives the text that has them."""

    def __init__(self, library: Group) -> None:
        self._library = library
        self._templates = {group.name: group for group in library.groups("lu_table_template")}
        self._known = set(self._templates)
        self._cells: list[Group] = []

    def add(self, cell: Group) -> None:
        """Give a cell its form, which changes its tree, and take it.

        Raises
        ------
        ValueError
            A table cannot be read.
        """
        _prepare(cell, self._templates)
        self._cells.append(cell)

    def text(self) -> str:
        """The library with the cells that were added."""
        header = [
            item
            for item in self._library.items
            if not (isinstance(item, Group) and item.kind == "cell") and not _dropped(item)
        ]
        for name, value in THRESHOLDS.items():
            for key in (name.format("rise"), name.format("fall")):
                if not self._library.text(key):
                    header.append(Attribute(key, [value]))
        header += [group for name, group in self._templates.items() if name not in self._known]
        return write(Group("library", [self._library.name], items=[*header, *self._cells]))


def _dropped(item: Attribute | Group) -> bool:
    name = item.kind if isinstance(item, Group) else item.name
    return name.startswith(DROPPED) or (
        name.endswith("_template") and not name.startswith(("lu_table", "power_lut"))
    )


def _prepare(group: Group, templates: dict[str, Group]) -> None:
    """Give a cell, or a group inside, the form that every tool reads."""
    group.items = [item for item in group.items if not _dropped(item)]
    if group.kind == "cell":  # for ABC, any dont_use is a true one
        group.items = [item for item in group.items if _name(item) != "dont_use"]
        group.items = [each for item in group.items for each in _single(item)]
    if group.kind == "internal_power":  # power stands for rise and for fall
        group.items = [
            each
            for item in group.items
            for each in (_edges(item) if isinstance(item, Group) else [item])
        ]
    if group.kind == "timing":
        square_delays(group, templates)
    if group.kind == "pin":
        found = capacitance(group)
        if found is not None and not group.text("capacitance"):
            group.items.append(Attribute("capacitance", [f"{found:.9g}"]))
    for item in group.items:
        if isinstance(item, Group):
            _prepare(item, templates)
        elif item.name in FUNCTIONS and MIXED.search(item.values[0]):
            with suppress(ValueError):  # of cells whose functions are not used
                item.values = [expression(item.values[0]).explicit()]


def _single(item: Attribute | Group) -> list[Attribute | Group]:
    """Each pin of a bundle or of a list on its own, with all that is common; else ``item``."""
    if not isinstance(item, Group) or item.kind not in ("bundle", "pin"):
        return [item]
    if item.kind == "pin":
        return [replace(item, args=[name]) for name in pin_names(item)]
    own = {name: pin for pin in item.groups("pin") for name in pin_names(pin)}
    common = [each for each in item.items if _name(each) not in ("pin", "members")]
    return [
        Group("pin", [name], items=[*(own[name].items if name in own else []), *common])
        for name in bundle_members(item)
    ]


def _edges(table: Group) -> list[Group]:
    if table.kind != "power":
        return [table]
    return [replace(table, kind=kind) for kind in ("rise_power", "fall_power")]


def _name(item: Attribute | Group) -> str:
    return item.kind if isinstance(item, Group) else item.name
