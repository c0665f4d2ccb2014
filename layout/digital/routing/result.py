"""A routed head: its metal, its wires for timing, and what is measured and checked of it."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from gaincell.layout.checks import violations
from gaincell.layout.digital.metrics import RoutingMetrics
from gaincell.layout.digital.placement.placement import Placement
from gaincell.layout.digital.routing.grid import METAL, Box
from gaincell.layout.digital.routing.lvs import STACK, Joined, compare
from gaincell.layout.digital.routing.metal import CUTS, NetMetal, draw_route
from gaincell.layout.digital.routing.route import Routed
from gaincell.layout.digital.routing.tree import routed_wire
from gaincell.layout.digital.sta import PlacedTiming
from gaincell.layout.digital.technology import PROCESS
from gaincell.layout.digital.wires import NetWire
from gaincell.layout.klayout import db
from gaincell.layout.process import Process, load_process


@dataclass(frozen=True)
class RoutedHead:
    """A placement and its routes."""

    placement: Placement
    routed: Routed

    @cached_property
    def metal(self) -> dict[str, NetMetal]:
        """The metal of each net that has a route."""
        core = self.placement.core
        width, height = round(1000 * core.width_um), round(1000 * core.height_um)
        routes = self.routed.routes.items()
        return {net: draw_route(self.routed.grid, each, width, height) for net, each in routes}

    @cached_property
    def wires(self) -> dict[str, NetWire]:
        """All nets: as routed, or as estimated where there is no route."""
        return {
            net: routed_wire(self.routed.grid, self.routed.routes[net], wire)
            if net in self.routed.routes
            else wire
            for net, wire in self.placement.wires.items()
        }

    def shapes(self) -> list[tuple[str, Box]]:
        """Layer and edges, nm, of all metal and cuts, supplies included."""
        drawn = [shape for metal in self.metal.values() for shape in metal.shapes()]
        return drawn + [(layer, box) for _, layer, box in self.routed.straps.shapes]

    def labels(self) -> list[tuple[str, str, tuple[int, int]]]:
        """Metal, name and place of each port and strap."""
        named = [(net, *metal.port) for net, metal in self.metal.items() if metal.port]
        straps = self.routed.straps.shapes
        named += [(name, layer, box) for name, layer, box in straps if layer == METAL[-1]]
        return [
            (layer, name, ((box[0] + box[2]) // 2, (box[1] + box[3]) // 2))
            for name, layer, box in named
        ]

    def check(self, gds: Path, report: Path) -> tuple[Joined, dict[str, int]]:
        """What the metal in ``gds`` joins wrongly, and how often it breaks each rule."""
        placement, process = self.placement, load_process(PROCESS)
        metal = self.metal
        ports = {net: metal[net].port if net in metal else None for net in placement.ports}
        joined = compare(
            gds, process, placement.netlist, placement.technology, placement.places, ports
        )
        layout = db().Layout()
        layout.read(str(gds))
        broken = violations(layout.top_cell(), wiring(process))
        lines = [f"open {net}" for net in joined.opens]
        lines += [f"short {' '.join(nets)}" for nets in joined.shorts]
        lines += [f"rule {rule}: {count}" for rule, count in broken.items()]
        report.write_text("\n".join([*lines, ""]))
        return joined, broken

    def metrics(
        self, joined: Joined, broken: dict[str, int], times: PlacedTiming
    ) -> RoutingMetrics:
        """All figures, for metrics.json."""
        metal = self.metal.values()
        mm = {name: round(sum(each.length_nm(name) for each in metal) / 1e6, 3) for name in METAL}
        cuts = [cut for each in metal for cut, *_ in each.vias]
        return RoutingMetrics(
            nets=len(self.placement.wires),
            pins=sum(len(wire.pins) for wire in self.placement.wires.values()),
            routed=len(self.routed.routes),
            opens=len(joined.opens),
            shorts=len(joined.shorts),
            rules=len(wiring(load_process(PROCESS)).rules),
            broken=broken,
            rounds=self.routed.rounds,
            wire_mm=mm,
            vias={name: cuts.count(name) for name in CUTS},
            setup_slack_ns=times.setup_slack_ns,
            hold_slack_ns=times.hold_slack_ns,
            fmax_mhz=round(times.fmax_mhz, 1),
        )


def wiring(process: Process) -> Process:
    """The process's layers of wires, and their rules."""
    layers = {name: process.layers[name] for name in STACK}
    rules = {
        name: rule
        for name, rule in process.rules.items()
        if rule.of in STACK[1:] and rule.other in ("", *STACK)
    }
    return replace(process, layers=layers, derived={}, rules=rules)
