"""A head's placement: it grows a clock tree, is resized with its wires, and keeps hold."""

from pathlib import Path

from gaincell.layout.digital.clock_tree import grow_clock_tree
from gaincell.layout.digital.hold import repair_hold
from gaincell.layout.digital.legal import Core, legalise
from gaincell.layout.digital.place import Places, place
from gaincell.layout.digital.sta import PlacedTiming, time_placed
from gaincell.layout.digital.technology import Technology
from gaincell.layout.digital.wires import NetWire, net_wires, port_places, spef, timer_wires, widths
from gaincell.synth.library.cells import Library
from gaincell.synth.netlist import Netlist
from gaincell.synth.sizing.arcs import LibraryArcs
from gaincell.synth.sizing.circuit import Circuit
from gaincell.synth.sizing.families import families
from gaincell.synth.sizing.resizing import resize
from gaincell.synth.sizing.size import long_slew_ns
from gaincell.synth.sizing.sweep import sweep
from gaincell.synth.sizing.timer import Timer, Wire
from gaincell.synth.wire_estimate import cell_pitch_um, wire_length_um

SPARE = 1.06
"""Room for clock tree, larger cells and delay cells, over the area of the netlist."""
ROUNDS = 2
"""How often cells are resized with the wires of the placement before."""
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
        self.wanted: Places = place(
            netlist, technology, self.core.width_um, self.core.height_um, folder
        )
        self._pitch_um = cell_pitch_um(netlist.area_um2(library), len(netlist.instances))
        self.clock_buffers = grow_clock_tree(self.circuit, self._kinds, technology, self.wanted)
        self.resized = self.hold_cells = 0
        self._settle()

    def improve(self, clock_ns: float) -> None:
        """Resize cells with the wires as they are placed."""
        for _ in range(ROUNDS):
            old = {name: each.cell for name, each in self.circuit.instances.items()}
            timer = self._timer()
            times = timer.time()
            if times.period_ns > clock_ns:
                sweep(timer, self._kinds, times, long_slew_ns(self._arcs, self._kinds))
                if timer.time().period_ns > times.period_ns:
                    for name, cell in old.items():
                        self.circuit.resize(name, cell)
            resize(timer, self._kinds, clock_ns)
            self.resized += sum(
                each.cell != old[name] for name, each in self.circuit.instances.items()
            )
            self._settle()

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

    def _settle(self) -> None:
        """Bring every cell to a legal place, and wires to those places."""
        instances = self.circuit.instances
        self.places = legalise(self.wanted, widths(instances, self.technology), self.core)
        self.netlist = self.circuit.to_netlist()
        self.ports = port_places(self.netlist, self.places, self.core.width_um, self.core.height_um)
        self.wires: dict[str, NetWire] = net_wires(
            self.netlist, self.library, self.technology, self.places, self.ports
        )

    def _timer(self) -> Timer:
        known = timer_wires(self.wires, self.technology)
        farad = self.technology.f_per_um * 1e15

        def wire(net: str, sinks: int) -> Wire:
            return known.get(net) or Wire(farad * wire_length_um(sinks, self._pitch_um))

        return Timer(self.circuit, self._arcs, wire)

    def _time(self, clock_ns: float, folder: Path) -> PlacedTiming:
        (folder / "netlist.v").write_text(self.netlist.verilog())
        text = spef(self.netlist.name, self.wires, self.technology)
        (folder / "wires.spef").write_text(text)
        return time_placed(self.netlist.name, clock_ns, folder)
