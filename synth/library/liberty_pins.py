"""The pins of a Liberty cell: alone, in lists, in bundles and in buses."""

import re
from collections.abc import Iterator

import numpy as np

from gaincell.synth.library.liberty_text import Group


def pin_groups(group: Group, types: dict[str, Group]) -> Iterator[tuple[str, tuple[Group, ...]]]:
    """Each pin's name, and the groups that speak of it, its own one first."""
    for pin in group.groups("pin"):
        for name in pin_names(pin):
            yield name, (pin,)
    for bundle in group.groups("bundle"):
        inner = {name: pin for pin in bundle.groups("pin") for name in pin_names(pin)}
        for name in bundle_members(bundle):
            yield name, (inner[name], bundle) if name in inner else (bundle,)
    local = types | {each.name: each for each in group.groups("type")}
    for bus in group.groups("bus"):
        inner = {name: pin for pin in bus.groups("pin") for name in pin_names(pin)}
        for name in dict.fromkeys([*_bus_bits(bus, local), *inner]):
            yield name, (inner[name], bus) if name in inner else (bus,)


def _bus_bits(bus: Group, types: dict[str, Group]) -> list[str]:
    kind = types.get(bus.text("bus_type"))
    if kind is None:
        return []
    first, last = kind.number("bit_from") or 0.0, kind.number("bit_to") or 0.0
    return [f"{bus.name}[{bit}]" for bit in _span(int(first), int(last))]


def bundle_members(bundle: Group) -> list[str]:
    """The names of a bundle's pins, in their order."""
    listed = [name for each in bundle.attributes("members") for name in each.values]
    own = [name for pin in bundle.groups("pin") for name in pin_names(pin)]
    return list(dict.fromkeys([*(part for each in listed for part in each.split()), *own]))


def pin_names(pin: Group) -> Iterator[str]:
    """The names in a pin's brackets: one, a list, or ``A[3:0]``."""
    for arg in pin.args:
        for name in arg.replace(",", " ").split():
            match = re.fullmatch(r"(.+)\[(\d+):(\d+)\]", name)
            if match is None:
                yield name
            else:
                yield from (f"{match[1]}[{bit}]" for bit in _span(int(match[2]), int(match[3])))


def _span(first: int, last: int) -> range:
    step = 1 if last >= first else -1
    return range(first, last + step, step)


def capacitance(pin: Group) -> float | None:
    """Capacitance of a pin's group in the library's unit; None if it has none of its own."""
    own = pin.number("capacitance")
    if own is not None:
        return own
    edges = [pin.number(f"{edge}_capacitance") for edge in ("rise", "fall")]
    known = [each for each in edges if each is not None]
    if not known:
        ranges = [pin.rows(f"{edge}capacitance_range") for edge in ("rise_", "fall_", "")]
        known = [float(np.mean([n for row in rows for n in row])) for rows in ranges if rows]
    return sum(known) / len(known) if known else None
