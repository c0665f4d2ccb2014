"""Cells of a rescaled Liberty tree: pins, functions, capacitances, leakage, energies."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from gaincell.synth.library.boolean import expression
from gaincell.synth.library.cells import Cell, Energy, Pin, listed
from gaincell.synth.library.liberty_pins import capacitance, pin_groups
from gaincell.synth.library.liberty_tables import energy_table
from gaincell.synth.library.liberty_text import Group
from gaincell.synth.library.units import SI

ROLES = tuple(f"clock_gate_{role}_pin" for role in ("enable", "clock", "out", "test"))


@dataclass
class Notes:
    """What was not read as it stands: a clause, and the cells that it is about."""

    cells: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, clause: str, cell: str) -> None:
        """Note ``clause`` about ``cell``, once."""
        if cell not in self.cells[clause]:
            self.cells[clause].append(cell)

    def sentences(self) -> Iterator[str]:
        """One line for each clause, with the cells."""
        for clause, names in self.cells.items():
            yield f"{clause}: {listed(names)}"


class CellReader:
    """Reads the cells of one library; ``notes`` collects what it could not take as it stands."""

    def __init__(self, library: Group, notes: Notes) -> None:
        self._notes = notes
        self._templates = {
            (group.kind, group.name): group
            for group in library.groups("power_lut_template", "lu_table_template")
        }
        self._types = {group.name: group for group in library.groups("type")}
        self._leakage = library.number("default_cell_leakage_power")
        self._leakage_per_area = library.number("default_leakage_power_density")
        self._capacitance = {
            kind: library.number(f"default_{kind}_pin_cap") or 0.0
            for kind in ("input", "inout", "output")
        }

    def read(self, group: Group) -> Cell:
        """One cell.

        Raises
        ------
        ValueError
            A number is none, or a function cannot be read.
        """
        flop = next(group.groups("ff"), None)
        banks = any(group.groups("ff_bank", "latch_bank", "statetable"))
        groups = dict(pin_groups(group, self._types))
        pins = {
            name: self._pin(group.name, name, parts, set(groups)) for name, parts in groups.items()
        }
        roles = {
            role: name
            for role in ROLES
            for name, parts in groups.items()
            if any(part.true(role) for part in parts)
        }
        if any(group.groups("internal_power")):
            self._notes.add("internal_power outside of a pin is not counted", group.name)
        next_state = flop.text("next_state") if flop else ""
        clocked_on = flop.text("clocked_on") if flop else ""
        states = tuple(flop.args) if flop else ()
        outputs = {pin.function.replace("(", "").replace(")", "") for pin in pins.values()}
        gate = group.text("clock_gating_integrated_cell")
        cell = Cell(
            name=group.name,
            area_um2=group.number("area") or 0.0,
            leakage_w=self._default_leakage(group) * SI["leakage"],
            leakage_when=self._leakage_when(group, set(pins)),
            pins=pins,
            next_state=next_state,
            clocked_on=clocked_on,
            clear=flop.text("clear") if flop else "",
            preset=flop.text("preset") if flop else "",
            states=states,
            plain_flop=flop is not None
            and next_state.strip("() ") in pins
            and clocked_on.strip("() ") in pins
            and bool(states)
            and states[0] in outputs
            and not any(group.groups("latch")),
            latch=any(group.groups("latch")) or (banks and not gate),
            gate=gate,
            roles=roles,
        )
        _check_functions(cell)
        return cell

    def _pin(self, cell: str, name: str, parts: tuple[Group, ...], pins: set[str]) -> Pin:
        """A pin from its own group and the groups around it, the innermost first."""

        def text(key: str) -> str:
            return next((part.text(key) for part in parts if part.text(key)), "")

        energies = [
            energy
            for part in parts
            for power in part.groups("internal_power")
            for energy in self._energies(cell, power, pins)
        ]
        direction = text("direction").lower()
        if not direction:
            raise ValueError(f"pin {name} has no direction")
        return Pin(
            name=name,
            direction=direction,
            capacitance_f=self._pin_capacitance(parts, direction) * SI["capacitance"],
            function=text("function") or text("state_function"),
            three_state=bool(text("three_state")),
            energies=tuple(energies),
            clock=text("clock").lower() == "true",
        )

    def _pin_capacitance(self, parts: tuple[Group, ...], direction: str) -> float:
        """``capacitance``, else the mean of rise and fall, else of their ranges, else a default."""
        for part in parts:
            found = capacitance(part)
            if found is not None:
                return found
        return self._capacitance.get(direction, 0.0)

    def _energies(self, cell: str, power: Group, pins: set[str]) -> Iterator[Energy]:
        tables = {
            kind: [
                energy_table(each, self._template(each), lambda what: self._notes.add(what, cell))
                for each in power.groups(kind)
            ]
            for kind in ("power", "rise_power", "fall_power")
        }
        if not any(tables.values()):
            self._notes.add("internal_power without a table is not counted", cell)
            return
        yield Energy(
            when=self._condition(cell, power.text("when"), pins),
            related=power.text("related_pin"),
            supply=power.text("related_pg_pin") or power.text("power_level"),
            # A table of power stands for rise and for fall.
            tables=tuple(
                table
                for kind in ("rise_power", "fall_power", "power", "power")
                for table in tables[kind]
            ),
        )

    def _template(self, table: Group) -> Group | None:
        """The template of a table; None for a scalar.

        Raises
        ------
        ValueError
            The library has no such template.
        """
        if table.name in ("", "scalar"):
            return None
        for kind in ("power_lut_template", "lu_table_template"):
            if (kind, table.name) in self._templates:
                return self._templates[kind, table.name]
        raise ValueError(f'the template "{table.name}" of a table is not defined')

    def _condition(self, cell: str, when: str, pins: set[str]) -> str:
        """``when`` if it is a condition on ``pins``, else "", which stands for always."""
        with suppress(ValueError):
            if not when or set(expression(when).pins) <= pins:
                return when
        self._notes.add("a condition that cannot be read counts as always", cell)
        return ""

    def _leakage_when(self, group: Group, pins: set[str]) -> tuple[tuple[str, float], ...]:
        """Leakage, W, by condition, the sum of all supplies; "" is any other condition."""
        by_supply: dict[str, dict[str, float]] = {}
        for each in group.groups("leakage_power"):
            value = each.number("value")
            if value is None:
                self._notes.add("leakage_power without a value is not counted", group.name)
                continue
            when = self._condition(group.name, each.text("when"), pins)
            supplies = by_supply.setdefault(when, {})
            supply = each.text("related_pg_pin") or each.text("power_level")
            supplies[supply] = value * SI["leakage"]
        return tuple((when, sum(each.values())) for when, each in by_supply.items())

    def _default_leakage(self, group: Group) -> float:
        """Leakage of a cell in the library's unit that no leakage_power tells."""
        own = group.number("cell_leakage_power")
        if own is None and not any(group.groups("leakage_power")):
            own = self._leakage or (self._leakage_per_area or 0.0) * (group.number("area") or 0.0)
        return own or 0.0


def _check_functions(cell: Cell) -> None:
    """Raise ValueError where a function cannot be read, or has a pin that the cell lacks."""
    if cell.gate or cell.latch:
        return
    known = set(cell.pins) | set(cell.states)
    functions = [pin.function for pin in cell.pins.values() if pin.direction == "output"]
    for text in (*functions, cell.next_state, cell.clocked_on, cell.clear, cell.preset):
        unknown = set(expression(text).pins) - known if text else set()
        if unknown:
            raise ValueError(f'function "{text}" has the unknown pin {min(unknown)}')
