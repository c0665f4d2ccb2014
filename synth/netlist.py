"""A flat mapped netlist: it is read from Yosys and written as plain Verilog."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from gaincell.synth.library.cells import Library

CONSTANTS = {"0": "1'b0", "1": "1'b1", "x": "1'b0", "z": "1'b0"}


@dataclass(frozen=True)
class Instance:
    """A cell in the netlist; ``pins`` maps each connected pin, "pin[bit]" if wide, to its net."""

    name: str
    cell: str
    pins: dict[str, str]


@dataclass(frozen=True)
class Port:
    """A port of the top module; its nets from the lowest bit."""

    name: str
    direction: str
    nets: tuple[str, ...]


@dataclass(frozen=True)
class Netlist:
    """A flat module. A net is a port's bit or a wire; names need no escape in Verilog.

    signal_of : hierarchical name in the RTL, of each net that has one
    """

    name: str
    ports: tuple[Port, ...]
    instances: tuple[Instance, ...]
    aliases: tuple[tuple[str, str], ...]
    signal_of: dict[str, str]

    @cached_property
    def counts(self) -> Counter[str]:
        """How many of each cell."""
        return Counter(instance.cell for instance in self.instances)

    @cached_property
    def wires(self) -> tuple[str, ...]:
        """Nets that are not bits of ports."""
        of_ports = {net for port in self.ports for net in port.nets}
        used = {net for instance in self.instances for net in instance.pins.values()}
        used |= {net for pair in self.aliases for net in pair}
        return tuple(sorted(used - of_ports - set(CONSTANTS.values())))

    def area_um2(self, library: Library) -> float:
        """Area of all cells of ``library``."""
        cells = library.cells
        return sum(cells[name].area_um2 * n for name, n in self.counts.items() if name in cells)

    def verilog(self) -> str:
        """One module of instances, without expressions, for timing tools and simulators."""
        names = ", ".join(port.name for port in self.ports)
        lines = [f"module {self.name} ({names});"]
        for port in self.ports:
            width = f"[{len(port.nets) - 1}:0] " if len(port.nets) > 1 else ""
            lines.append(f"  {port.direction} {width}{port.name};")
        lines += [f"  wire {net};" for net in self.wires]
        lines += [f"  assign {left} = {right};" for left, right in self.aliases]
        for instance in self.instances:
            lines.append(f"  {_escaped(instance.cell)} {instance.name} ({_connections(instance)});")
        return "\n".join([*lines, "endmodule", ""])


def read_netlist(path: Path, top: str) -> Netlist:
    """The flat module ``top`` of a file that Yosys wrote with ``write_json``."""
    module = json.loads(path.read_text())["modules"][top]
    nets = _Nets(module)
    ports = tuple(
        Port(name, each["direction"], tuple(nets.of_port(name, each["bits"])))
        for name, each in module["ports"].items()
    )
    instances = []
    for place, each in enumerate(module["cells"].values()):
        pins = {
            net: nets.name(bit)
            for pin, bits in each["connections"].items()
            for net, bit in zip(nets.of_port(pin, bits), bits, strict=True)
        }
        instances.append(Instance(f"u{place}", each["type"].lstrip("\\"), pins))
    aliases = [
        (net, nets.name(bit))
        for name, each in module["ports"].items()
        if each["direction"] == "output"
        for net, bit in zip(nets.of_port(name, each["bits"]), each["bits"], strict=True)
        if nets.name(bit) != net
    ]
    return Netlist(top, ports, tuple(instances), tuple(aliases), nets.signal_of)


class _Nets:
    """Names for the numbers that Yosys gives to nets."""

    def __init__(self, module: Any) -> None:
        self._name: dict[object, str] = {}
        self.signal_of: dict[str, str] = {}
        for direction in ("input", "output"):
            for name, port in module["ports"].items():
                if port["direction"] != direction:
                    continue
                for bit, net in zip(port["bits"], self.of_port(name, port["bits"]), strict=True):
                    if bit not in CONSTANTS:
                        self._name.setdefault(bit, net)
                        self.signal_of.setdefault(self._name[bit], net)
        taken = set(self._name.values())
        for name, each in sorted(module["netnames"].items(), key=_public_first):
            for place, bit in enumerate(each["bits"]):
                if bit in CONSTANTS or bit in self._name:
                    continue
                wide = len(each["bits"]) > 1
                readable = _identifier(name) if not each["hide_name"] else "n"
                readable += f"_{place}" if wide and not each["hide_name"] else ""
                net = f"{readable}_{bit}" if readable == "n" or readable in taken else readable
                self._name[bit] = net
                taken.add(net)
                if not each["hide_name"]:
                    self.signal_of[net] = f"{name}[{place}]" if wide else name

    def name(self, bit: object) -> str:
        return (
            CONSTANTS[str(bit)] if str(bit) in CONSTANTS else self._name.setdefault(bit, f"n_{bit}")
        )

    @staticmethod
    def of_port(name: str, bits: list[object]) -> list[str]:
        return [f"{name}[{place}]" for place in range(len(bits))] if len(bits) > 1 else [name]


def _connections(instance: Instance) -> str:
    wide: dict[str, list[str]] = {}
    for pin, net in instance.pins.items():
        wide.setdefault(pin.split("[")[0], []).insert(0, net)
    return ", ".join(
        f".{_escaped(pin)}({nets[0] if len(nets) == 1 else '{' + ', '.join(nets) + '}'})"
        for pin, nets in sorted(wide.items())
    )


def _escaped(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_]\w*", name) else f"\\{name} "


def _identifier(name: str) -> str:
    """``name`` with letters, digits and single underscores only, for tools that know no escapes."""
    plain = re.sub(r"[\W_]+", "_", name).strip("_")
    return plain if plain[:1].isalpha() else f"n{plain}"


def _public_first(item: tuple[str, Any]) -> tuple[bool, int, str]:
    name, each = item
    return bool(each["hide_name"]), name.count("."), name
