"""Areas and edges of drawn sources and drains, for the transistors of a netlist."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Key = tuple[str, str, frozenset[str], int]
"""Model, gate, ends, and length in nm."""
NM_PER_UM = 1e3


@dataclass
class Junction:
    """Of all drawn transistors of one kind between the same nets, in um and um2, by net."""

    width: float = 0.0
    area: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    edge: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def settings(self, drain: str, source: str, width: float, unit: float) -> str:
        """ad, as, pd and ps of a transistor of this width, um, in a unit of so many um."""
        part = width / self.width
        both = 1 if drain != source else 0.5
        area = {net: each * part * both / unit**2 for net, each in self.area.items()}
        edge = {net: each * part * both / unit for net, each in self.edge.items()}
        return (
            f"ad={area[drain]:.6g} as={area[source]:.6g} pd={edge[drain]:.6g} ps={edge[source]:.6g}"
        )


def junctions(circuit: Any, names: Mapping[str, str] | None = None) -> dict[Key, Junction]:
    """Of all transistors of KLayout's circuit.

    ``names`` gives other names to its nets; transistors at any other net are then left out.
    """
    found: dict[Key, Junction] = defaultdict(Junction)
    for device in circuit.each_device():
        model = device.device_class().name
        if not device.device_class().has_parameter("AS"):
            continue
        nets = {each: device.net_for_terminal(each).expanded_name() for each in "DGS"}
        if names is not None:
            if not {*nets.values()} <= names.keys():
                continue
            nets = {each: names[net] for each, net in nets.items()}
        length = round(device.parameter("L") * NM_PER_UM)
        own = found[model, nets["G"], frozenset((nets["D"], nets["S"])), length]
        own.width += device.parameter("W")
        for end in "DS":
            own.area[nets[end]] += device.parameter(f"A{end}")
            own.edge[nets[end]] += device.parameter(f"P{end}")
    return dict(found)
