"""A head's placement: it grows a clock tree, is resized with its wires, and keeps hold."""

import math
from pathlib import Path

from gaincell.layout.digital.clock_tree import grow_clock_tree, middle
from gaincell.layout.digital.hold import repair_hold
from gaincell.layout.digital.placement.core import Core, Places
from gaincell.layout.digital.placement.global_placement import place
from gaincell.layout.digital.placement.legal import legalise
from gaincell.layout.digital.placement.ports import port_places
from gaincell.layout.digital.placement.refine import Refiner
from gaincell.layout.digital.sta import PlacedTiming, time_placed
from gaincell.layout.digital.technology import Technology
from gaincell.layout.digital.wires import NetWire, net_wires, spef, timer_wires, widths
from gaincell.synth.library.cells import Library
from gaincell.synth.netlist import Netlist
from gaincell.synth.sizing.arcs import LibraryArcs
from gaincell.synth.sizing.circuit import Circuit
from gaincell.synth.sizing.families import families
from gaincell.synth.sizing.isolating import reliefs
from gaincell.synth.sizing.resizing import resize
from gaincell.synth.sizing.size import long_slew_ns
from gaincell.synth.sizing.sweep import sweep
from gaincell.synth.sizing.timer import Timer, Times, Wire

SPARE = 1.06
"""Room for clock tree, larger cells and delay cells, over the area of the netlist."""
ROUNDS = 3
"""How often cells are moved and resized with the wires of the placement before."""
PASSES = 2
"""How often each cell may move in a round."""
LATE_WEIGHT, LATE = 9.0, 0.05
"""What a net of the slowest path counts more than others, and the slack, as a part of the period,
with which that is less by e."""
CLOCK_WEIGHT = 4.0
"""What a net of the clock tree counts more than others, so that flops stay near their buffer."""
HOLD_ROUNDS = 6


class Placement:
    """The placement of ``netlist``; ``fill`` is the part of the core that cells take.

    Raises
    ------
    Unable
        Coriolis stopped.
    """

    def __init__(
        self, netlist: Netlist, library: Library, technology: Technology, fill: float, folder: Path
    ) -> None:
        self.library, self.technology = library, technology
        self.circuit = Circuit(netlist, library)
        self._arcs, self._kinds = LibraryArcs(library), families(library)
        area = sum(
            technology.cell(each.cell).width_um * technology.row_um for each in netlist.instances
        )
        side = (SPARE * area / fill) ** 0.5
        rows, sites = round(side / technology.row_um), round(side / technology.site_um)
        self.core = Core(rows, sites, technology.row_um, technology.site_um)
        first = place(netlist, technology, self.core, {}, folder / "free")
        ports = port_places(netlist, first, self.core)
        self.wanted: Places = place(netlist, technology, self.core, ports, folder / "ports")
        self.resized = self.hold_cells = 0
        self.relieving: list[str] = []
        self._settle()
        self.clock_buffers: list[str] = []
        self._grow_clock_tree()
        self._settle()

    def improve(self, clock_ns: float) -> None:
        """Move cells, relieve slow nets and resize cells, with the wires as they are placed."""
        for _ in range(ROUNDS):
            self._settle(self._timer().time())
            self._relieve()
            self._resize(clock_ns)
        self._grow_clock_tree()
        self._settle(self._timer().time())

    def _grow_clock_tree(self) -> None:
        """Give the flops a clock tree that fits where they are now."""
        for name in self.clock_buffers:
            self.circuit.bypass(name, self._kinds.buffer_pins[self.circuit.instances[name].cell])
            del self.wanted[name]
        self.clock_buffers = grow_clock_tree(
            self.circuit, self._kinds, self.technology, self.wanted
        )

    def _relieve(self) -> None:
        """Put buffers before what can wait on slow nets, unless that makes the slowest slower."""
        timer = self._timer()
        times = timer.time()
        circuit, wanted = self.circuit.copy(), self.wanted
        self.wanted = dict(wanted)
        cell = self._kinds.buffers[min(1, len(self._kinds.buffers) - 1)]
        made = []
        for relief in reliefs(timer, self._kinds, times):
            pins = self._kinds.buffer_pins[cell]
            name = self.circuit.buffer(relief.net, relief.sinks, cell, pins)
            self.wanted[name] = middle([wanted[each] for each, _ in relief.sinks])
            made.append(name)
        if made:
            self._settle(times)
            if self._timer().time().period_ns < times.period_ns:
                self.relieving += made
            else:
                self.circuit, self.wanted = circuit, wanted
                self._settle(times)

    def _resize(self, clock_ns: float) -> None:
        old = {name: each.cell for name, each in self.circuit.instances.items()}
        timer = self._timer()
        times = timer.time()
        if times.period_ns > clock_ns:
            sweep(timer, self._kinds, times, long_slew_ns(self._arcs, self._kinds))
            if timer.time().period_ns > times.period_ns:
                for name, cell in old.items():
                    self.circuit.resize(name, cell)
        resize(timer, self._kinds, clock_ns)
        self.resized += sum(each.cell != old[name] for name, each in self.circuit.instances.items())

    def close(self, clock_ns: float, folder: Path) -> PlacedTiming:
        """Time with OpenSTA, and put delay cells in until hold is met."""
        times = self._time(clock_ns, folder)
        for _ in range(HOLD_ROUNDS):
            if not times.late_holds:
                break
            made = repair_hold(self.circuit, self._arcs, self._kinds, times.late_holds, self.wanted)
            self.hold_cells += len(made)
            self._settle()
            times = self._time(clock_ns, folder)
        return times

    def _settle(self, times: Times | None = None) -> None:
        """Bring every cell to a legal place, near what it joins, and wires to those places.

        With ``times`` it matters more where nets with little slack lead.
        """
        instances = self.circuit.instances
        self.netlist = self.circuit.to_netlist()
        weights = {} if times is None else self._weights(times)
        places = legalise(self.wanted, widths(instances, self.technology), self.core)
        for _ in range(PASSES):
            ports = port_places(self.netlist, places, self.core)
            refiner = Refiner(self.netlist, self.technology, self.core, places, ports, weights)
            refiner.improve()
            places = refiner.places
        self.wanted = self.places = places
        self.ports = port_places(self.netlist, places, self.core)
        self.wires: dict[str, NetWire] = net_wires(
            self.netlist, self.library, self.technology, self.places, self.ports
        )

    def _weights(self, times: Times) -> dict[str, float]:
        """How much a micrometre of each net counts."""
        return {
            net: 1 + LATE_WEIGHT * math.exp(-max(0.0, times.slack_of(net) / late))
            for late in [LATE * times.period_ns]
            for net in times.place
            if net not in self.circuit.clocks
        } | dict.fromkeys(self.circuit.clocks, CLOCK_WEIGHT)

    def _timer(self) -> Timer:
        known = timer_wires(self.wires, self.technology)

        def wire(net: str, sinks: int) -> Wire:
            return known.get(net) or Wire(0.0)

        return Timer(self.circuit, self._arcs, wire)

    def _time(self, clock_ns: float, folder: Path) -> PlacedTiming:
        (folder / "netlist.v").write_text(self.netlist.verilog())
        text = spef(self.netlist.name, self.wires, self.technology)
        (folder / "wires.spef").write_text(text)
        return time_placed(self.netlist.name, clock_ns, folder)
