"""The wires between control and arrays, as the head's Verilog declares them."""

from __future__ import annotations

import re
from dataclasses import dataclass

PORT = re.compile(r"^ {2}(input|output) (?:\[(\d+):0\] )?(\w+);$", re.MULTILINE)
ARRAYS = "array_"
"""Start of the names of the ports to the arrays."""


@dataclass(frozen=True)
class Port:
    """A port of the control: "input" or "output", and its bits. ``vector``: it has a range."""

    name: str
    direction: str
    width: int
    vector: bool

    @property
    def bits(self) -> list[str]:
        """Names of the bits, the lowest first."""
        return [f"{self.name}[{bit}]" for bit in range(self.width)] if self.vector else [self.name]

    @property
    def of_arrays(self) -> bool:
        return self.name.startswith(ARRAYS)

    @property
    def other_side(self) -> Port:
        """The port of the arrays that this one is joined to."""
        turned = {"input": "output", "output": "input"}[self.direction]
        return Port(self.name, turned, self.width, self.vector)


def head_ports(verilog: str, top: str) -> list[Port]:
    """Ports of module ``top``, in the order of their declarations."""
    begin = verilog.index(f"\nmodule {top}(")
    body = verilog[begin : verilog.index("\nendmodule", begin)]
    return [
        Port(name, direction, int(high or 0) + 1, bool(high))
        for direction, high, name in PORT.findall(body)
    ]
