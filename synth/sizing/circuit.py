"""A netlist that can be changed: cells get other sizes, buffers come and go."""

import re
from collections import defaultdict
from copy import copy
from dataclasses import dataclass, field, replace

from gaincell.synth.library.cells import Library
from gaincell.synth.netlist import CONSTANTS, Instance, Netlist

Sink = tuple[str, str]
"""Name of an instance, and its input pin."""


@dataclass
class Circuit:
    """The instances of ``netlist`` by name; ``changed`` are those that are not as they were.

    drivers : instance and output pin that drive each net; an input port's net has none
    sinks : input pins on each net
    outputs, inputs : nets of output and of input ports
    clocks : nets that clock flops or clock gates
    added : number of the next buffer; those of an earlier circuit keep theirs
    """

    netlist: Netlist
    library: Library
    instances: dict[str, Instance] = field(init=False)
    drivers: dict[str, Sink] = field(init=False, default_factory=dict)
    sinks: dict[str, list[Sink]] = field(init=False, default_factory=lambda: defaultdict(list))
    added: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.instances = {instance.name: instance for instance in self.netlist.instances}
        numbers = (re.fullmatch(r"b(\d+)", name) for name in self.instances)
        self.added = 1 + max((int(found[1]) for found in numbers if found), default=-1)
        sides = {"output": set[str](), "input": set[str]()}
        for port in self.netlist.ports:
            sides[port.direction] |= set(port.nets)
        aliased = {net for pair in self.netlist.aliases for net in pair}
        self.outputs, self.inputs = sides["output"] | aliased, sides["input"]
        self.clocks: set[str] = set()
        for instance in self.netlist.instances:
            self._connect(instance)
            cell = self.library.cells[instance.cell]
            roles = (cell.roles.get("clock_gate_clock_pin"), cell.roles.get("clock_gate_out_pin"))
            for pin, net in instance.pins.items():
                if pin in roles or (cell.sequential and cell.pins[pin].clock):
                    self.clocks.add(net)

    def copy(self) -> "Circuit":
        """The circuit as it is now, which later changes of this one leave alone."""
        other = copy(self)
        other.instances, other.drivers = dict(self.instances), dict(self.drivers)
        other.sinks = defaultdict(list, {net: list(each) for net, each in self.sinks.items()})
        other.clocks = set(self.clocks)
        return other

    def resize(self, name: str, cell: str) -> None:
        """Give an instance another cell of the same pins and function."""
        self.instances[name] = replace(self.instances[name], cell=cell)

    def buffer(self, net: str, moved: list[Sink], cell: str, pins: tuple[str, str]) -> str:
        """Put a buffer ``cell`` with ``pins`` in, out between ``net`` and ``moved`` sinks of it.

        Returns its name.
        """
        name, behind = f"b{self.added}", f"buffered_{self.added}"
        self.added += 1
        for sink in moved:
            self._move(sink, net, behind)
        instance = Instance(name, cell, {pins[0]: net, pins[1]: behind})
        self.instances[name] = instance
        self._connect(instance)
        if net in self.clocks:
            self.clocks.add(behind)
        return name

    def outputs_of(self, name: str) -> list[str]:
        """Nets that an instance drives."""
        instance = self.instances[name]
        pins = self.library.cells[instance.cell].outputs
        return [instance.pins[pin] for pin in pins if pin in instance.pins]

    def bypass(self, name: str, pins: tuple[str, str]) -> bool:
        """Remove a buffer: what it drove is driven by what drove it; False if it must stay."""
        instance = self.instances[name]
        net, behind = instance.pins[pins[0]], instance.pins[pins[1]]
        if behind in self.outputs or net in CONSTANTS.values():
            return False
        for sink in list(self.sinks[behind]):
            self._move(sink, behind, net)
        del self.instances[name], self.drivers[behind]
        self.sinks[net].remove((name, pins[0]))
        self.clocks.discard(behind)
        return True

    def to_netlist(self) -> Netlist:
        """The netlist as it is now; instances that were there keep their order."""
        return replace(self.netlist, instances=tuple(self.instances.values()))

    def _move(self, sink: Sink, old: str, new: str) -> None:
        name, pin = sink
        instance = self.instances[name]
        self.instances[name] = replace(instance, pins=instance.pins | {pin: new})
        self.sinks[old].remove(sink)
        self.sinks[new].append(sink)

    def _connect(self, instance: Instance) -> None:
        cell = self.library.cells[instance.cell]
        for pin, net in instance.pins.items():
            if pin in cell.outputs:
                self.drivers[net] = (instance.name, pin)
            else:
                self.sinks[net].append((instance.name, pin))
