"""Buffers: useless ones go, nets with many sinks or much load become trees."""

from collections.abc import Callable

from gaincell.synth.netlist import CONSTANTS
from gaincell.synth.sizing.arcs import LibraryArcs
from gaincell.synth.sizing.circuit import Circuit, Sink
from gaincell.synth.sizing.families import Families
from gaincell.synth.sizing.timer import Times, Wires

MOST_SINKS = 12
"""Sinks of a net from which on it becomes a tree; usual limits are 10 to 20."""
PART_OF_LIMIT = 0.6
"""Load of an output as a part of the library's limit, from which on its net becomes a tree."""


def strip_buffers(circuit: Circuit, kinds: Families) -> int:
    """Remove every buffer but those that drive clocks or ports; return how many."""
    removed = 0
    for name, instance in list(circuit.instances.items()):
        pins = kinds.buffer_pins.get(instance.cell)
        if pins is None or pins[1] not in instance.pins:
            continue
        if circuit.clocks.isdisjoint(circuit.instances[name].pins.values()):
            removed += circuit.bypass(name, pins)
    return removed


class Trees:
    """Gives nets trees of buffers.

    near : key by which sinks are sorted before they share a buffer, so that those near each other
        do; default: by slack alone
    """

    def __init__(
        self,
        circuit: Circuit,
        arcs: LibraryArcs,
        kinds: Families,
        wires: Wires,
        near: Callable[[Sink], float] | None = None,
    ) -> None:
        self.circuit, self.arcs, self.wires, self.near = circuit, arcs, wires, near
        self.cell = _middle(kinds)
        self.pins = kinds.buffer_pins[self.cell]
        self.most_ff = PART_OF_LIMIT * self._limit(self.cell, self.pins[1])
        self.made: list[str] = []

    def grow(self, times: Times) -> list[str]:
        """Buffer every net that needs it; return the names of the buffers."""
        for net in list(self.circuit.sinks):
            if net not in self.circuit.clocks and net not in CONSTANTS.values():
                self._net(net, times)
        return self.made

    def _net(self, net: str, times: Times) -> None:
        """The sinks with least slack stay on ``net``; the others go behind buffers."""
        sinks = self.circuit.sinks[net]
        while self._too_much(net, sinks):
            first = sorted(sinks, key=lambda sink: self._slack(sink, times))
            buffers = -(-len(sinks) // MOST_SINKS)
            kept = first[: max(0, MOST_SINKS - buffers)] if buffers < MOST_SINKS else []
            while kept and self._load(net, kept) > self.most_ff / 2:
                kept = kept[: len(kept) // 2]
            rest = first[len(kept) :]
            if self.near is not None:
                rest.sort(key=self.near)
            groups = self._groups(net, rest)
            if len(groups) + len(kept) >= len(sinks):
                return
            for group in groups:
                self.made.append(self.circuit.buffer(net, group, self.cell, self.pins))
            sinks = self.circuit.sinks[net]

    def _groups(self, net: str, sinks: list[Sink]) -> list[list[Sink]]:
        """``sinks`` in their order, in parts that one buffer each drives."""
        count = -(-len(sinks) // MOST_SINKS)
        count = max(count, round(self._load(net, sinks) / self.most_ff + 0.5))
        size = -(-len(sinks) // count)
        return [sinks[at : at + size] for at in range(0, len(sinks), size)]

    def _too_much(self, net: str, sinks: list[Sink]) -> bool:
        limit = self.most_ff
        if net in self.circuit.drivers:
            name, pin = self.circuit.drivers[net]
            limit = max(limit, PART_OF_LIMIT * self._limit(self.circuit.instances[name].cell, pin))
        return len(sinks) > MOST_SINKS or (len(sinks) > 1 and self._load(net, sinks) > limit)

    def _load(self, net: str, sinks: list[Sink]) -> float:
        pins = sum(self._pin_ff(sink) for sink in sinks)
        return pins + self.wires(net, len(sinks)).load_ff

    def _pin_ff(self, sink: Sink) -> float:
        cell = self.circuit.library.cells[self.circuit.instances[sink[0]].cell]
        return cell.pins[sink[1]].capacitance_f * 1e15

    def _limit(self, cell: str, pin: str) -> float:
        timing = self.arcs.of(cell)
        return float(timing.most_ff[timing.pins.index(pin)])

    def _slack(self, sink: Sink, times: Times) -> float:
        """Slack behind a sink: that of what its instance drives, the worst of it."""
        instance = self.circuit.instances[sink[0]]
        cell = self.circuit.library.cells[instance.cell]
        nets = [instance.pins[pin] for pin in cell.outputs if pin in instance.pins]
        if cell.sequential or not nets:
            nets = [instance.pins[sink[1]]]
        return min(times.slack_of(net) if net in times.place else 0.0 for net in nets)


def _middle(kinds: Families) -> str:
    """The buffer that trees start with; the resizing changes it as it needs."""
    return kinds.buffers[min(2, len(kinds.buffers) - 1)]
