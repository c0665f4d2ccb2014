"""Arrival and required times of a circuit, from a library's tables and loads of the nets."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gaincell.synth.sizing.arcs import LibraryArcs
from gaincell.synth.sizing.circuit import Circuit
from gaincell.synth.sizing.tables import Floats, Ints
from gaincell.synth.steps.sdc import IO_DELAY_NS, UNCERTAINTY_NS

NEVER = -1e9
"""Arrival of an edge that does not come: a constant."""


@dataclass(frozen=True)
class Wire:
    """A net's wire: capacitance, fF, and delay from the driver to a usual sink, ns."""

    load_ff: float
    delay_ns: float = 0.0


Wires = Callable[[str, int], Wire]
"""The wire of a net, from its name and its number of sinks."""


@dataclass(frozen=True)
class Times:
    """Of each net's edges, rise at 2 n and fall at 2 n + 1 for the net ``place[net]`` = n.

    period_ns : least clock period; slack is measured from there: 0 on the slowest path
    """

    place: Mapping[str, int]
    arrival_ns: Floats
    slew_ns: Floats
    slack_ns: Floats
    load_ff: Floats
    wire_ns: Floats
    period_ns: float

    def slack_of(self, net: str) -> float:
        """The smaller slack of the net's two edges."""
        at = 2 * self.place[net]
        return float(min(self.slack_ns[at], self.slack_ns[at + 1]))


class Timer:
    """Times a circuit for setup, with ideal clocks, or with ``clock_ns`` at each flop."""

    def __init__(
        self,
        circuit: Circuit,
        arcs: LibraryArcs,
        wires: Wires,
        clock_ns: Mapping[str, float] | None = None,
    ) -> None:
        self.circuit, self.arcs, self.wires = circuit, arcs, wires
        self.clock_ns = clock_ns or {}
        nets = dict.fromkeys([*circuit.inputs, *circuit.outputs, "1'b0", "1'b1"])
        for instance in circuit.instances.values():
            nets.update(dict.fromkeys(instance.pins.values()))
        self.place = {net: at for at, net in enumerate(nets)}
        self._nowhere = len(nets)
        wire = [wires(net, len(circuit.sinks.get(net, ()))) for net in nets]
        self._wire_ff = np.array([each.load_ff for each in wire] + [0.0])
        self._wire_ns = np.repeat(np.array([each.delay_ns for each in wire] + [0.0]), 2)
        self._level: Ints | None = None

    def rows(self) -> dict[str, tuple[list[str], Ints]]:
        """By cell, its instances, and the nets of its pins as one row for each."""
        names: dict[str, list[str]] = defaultdict(list)
        rows: dict[str, list[list[int]]] = defaultdict(list)
        for name, instance in self.circuit.instances.items():
            if instance.cell in self.circuit.library.cells:
                get, place = instance.pins.get, self.place
                pins = self.arcs.of(instance.cell).pins
                names[instance.cell].append(name)
                rows[instance.cell].append(
                    [place[net] if (net := get(pin)) else self._nowhere for pin in pins]
                )
        return {cell: (names[cell], np.array(rows[cell], dtype=np.int64)) for cell in names}

    def level_of(self, name: str) -> int:
        """Gates on the longest way from a flop or port to an output of an instance."""
        assert self._level is not None, "time it first"
        instance = self.circuit.instances[name]
        cell = self.circuit.library.cells[instance.cell]
        nets = [instance.pins[pin] for pin in cell.outputs if pin in instance.pins]
        return max((int(self._level[2 * self.place[net]]) for net in nets), default=0)

    def time(self) -> Times:
        """Arrivals, slacks and loads with the cells as they are now."""
        count = self._nowhere + 1
        load = self._wire_ff.copy()
        edges, ends = [], []
        for cell, (names, nets) in self.rows().items():
            timing = self.arcs.of(cell)
            np.add.at(load, nets.ravel(), np.tile(timing.load_ff, len(nets)))
            clock = np.array([self.clock_ns.get(name, 0.0) for name in names])
            if not self.circuit.library.cells[cell].gate:
                edges.append(_edges(timing.arcs, timing.launches, nets, clock))
            ends.append(_ends(timing.setups, nets, clock))
        edge, start = (np.concatenate([each[k] for each in edges]) for k in (0, 1))
        fixed = self._fixed(count)
        edge, start = self._sorted(edge, start, fixed)
        source, target, delay, slew = edge.T
        arrival, slews = np.full(2 * count, NEVER), np.zeros(2 * count)
        arrival[fixed], slews[fixed] = 0.0, 0.0
        for net in self.circuit.inputs - self.circuit.clocks:
            arrival[2 * self.place[net] : 2 * self.place[net] + 2] = IO_DELAY_NS
        tables = self.arcs.tables
        delays = np.zeros(len(edge))
        for first, last in self._slices:
            a, b = source[first:last], target[first:last]
            ff = load[b // 2]
            inner = np.isnan(start[first:last])  # else a flop's clock, whose time is given
            wire = np.where(inner, self._wire_ns[a], 0.0)
            delays[first:last] = tables.at(delay[first:last], slews[a], ff) + wire
            begin = np.where(inner, arrival[a], start[first:last])
            np.maximum.at(arrival, b, begin + delays[first:last])
            came = begin > NEVER / 2
            found = tables.at(slew[first:last], slews[a], ff)
            np.maximum.at(slews, b[came], found[came])
        slack, period = self._slack(arrival, slews, ends, edge, delays)
        return Times(self.place, arrival, slews, slack, load, self._wire_ns, period)

    def _slack(
        self,
        arrival: Floats,
        slews: Floats,
        ends: list[tuple[Ints, Floats]],
        edge: Ints,
        delays: Floats,
    ) -> tuple[Floats, float]:
        end, clock = (np.concatenate([each[k] for each in ends]) for k in (0, 1))
        node, table = end.T
        setup = self.arcs.tables.at(table, slews[node], np.zeros(len(node)))
        after = setup + self._wire_ns[node] + UNCERTAINTY_NS - clock
        ports = [
            2 * self.place[net] + k
            for net in self.circuit.outputs
            for k in (0, 1)
            if net not in self.circuit.clocks
        ]
        port = np.array(ports, dtype=np.int64)
        needed = np.concatenate([arrival[node] + after, arrival[port] + OUTSIDE_NS])
        period = float(needed.max(initial=0.0))
        required = np.full(len(arrival), np.inf)
        np.minimum.at(required, node, period - after)
        np.minimum.at(required, port, period - OUTSIDE_NS)
        source, target = edge[:, 0], edge[:, 1]
        for first, last in reversed(self._slices):
            within = required[target[first:last]] - delays[first:last]
            np.minimum.at(required, source[first:last], within)
        return required - arrival, period

    def _fixed(self, count: int) -> Ints:
        """Edges of the clock nets: they come at time 0 with no transition."""
        nets = [self.place[net] for net in self.circuit.clocks]
        return np.array([2 * net + k for net in nets for k in (0, 1)], dtype=np.int64)

    def _sorted(self, edge: Ints, start: Floats, fixed: Ints) -> tuple[Ints, Floats]:
        """Edges by the level of what they drive; the slices of the levels go to ``_slices``."""
        source, target = edge[:, 0], edge[:, 1]
        if self._level is None:
            level = np.zeros(2 * self._nowhere + 2, dtype=np.int64)
            inner = np.isnan(start)
            a, b = source[inner], target[inner]
            for _ in range(len(level)):
                before = level.copy()
                np.maximum.at(level, b, level[a] + 1)
                if (level == before).all():
                    break
            self._level = level
        of_edge = self._level[target]
        order = np.argsort(of_edge, kind="stable")
        borders = np.flatnonzero(np.diff(of_edge[order])) + 1
        borders = np.concatenate([[0], borders, [len(order)]])
        self._slices = list(zip(borders[:-1].tolist(), borders[1:].tolist(), strict=True))
        return edge[order], start[order]


OUTSIDE_NS = IO_DELAY_NS + UNCERTAINTY_NS


def _edges(
    arcs: Ints, launches: NDArray[np.bool_], nets: Ints, clock: Floats
) -> tuple[Ints, Floats]:
    """Rows of source, target, delay and transition table; where a launch begins, else nan."""
    source = 2 * nets[:, arcs[:, 0]] + arcs[:, 1]
    target = 2 * nets[:, arcs[:, 2]] + arcs[:, 3]
    shape = source.shape
    tables = [np.broadcast_to(arcs[:, k], shape) for k in (4, 5)]
    start = np.where(launches, clock[:, None], np.nan)
    columns = [each.ravel() for each in (source, target, *tables)]
    return np.stack(columns, axis=1), np.broadcast_to(start, shape).ravel()


def _ends(setups: Ints, nets: Ints, clock: Floats) -> tuple[Ints, Floats]:
    """Rows of an edge that must come early enough and its table; the clock at each."""
    node = 2 * nets[:, setups[:, 0]] + setups[:, 1]
    table = np.broadcast_to(setups[:, 2], node.shape)
    when = np.broadcast_to(clock[:, None], node.shape)
    return np.stack([node.ravel(), table.ravel()], axis=1), when.ravel()
