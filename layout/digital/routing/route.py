"""Routes a placed head: from places of cells and ports to wires that join its nets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gaincell.layout.digital.placement.core import Core, Places
from gaincell.layout.digital.routing.access import CellMetal, accesses, block_cell, cell_metal
from gaincell.layout.digital.routing.grid import Grid
from gaincell.layout.digital.routing.negotiate import Access, Negotiation, Route
from gaincell.layout.digital.routing.straps import Straps, block_supplies, make_straps
from gaincell.layout.digital.technology import Technology
from gaincell.layout.digital.wires import NetWire
from gaincell.synth.netlist import Netlist

PORT_TRACKS = 48
"""How far along the edge from its wish a port's bit may end, in tracks."""


@dataclass(frozen=True)
class Routed:
    """Routes by net; ``failed`` are the nets without one.

    rounds : of the negotiation
    """

    grid: Grid
    routes: dict[str, Route]
    failed: frozenset[str]
    straps: Straps
    rounds: int


def route(
    netlist: Netlist,
    wires: Mapping[str, NetWire],
    technology: Technology,
    places: Places,
    core: Core,
    say: Callable[[str], None] = lambda text: None,
) -> Routed:
    """Routes of ``wires``, whose pins say what a net joins."""
    width, height = round(1000 * core.width_um), round(1000 * core.height_um)
    grid = Grid(width, height)
    straps = make_straps(core, width, height)
    block_supplies(grid, core, straps, width)
    metals: dict[str, CellMetal] = {}
    cells = {instance.name: instance.cell for instance in netlist.instances}
    spots = {}
    for name, cell in cells.items():
        if cell not in metals:
            metals[cell] = cell_metal(technology, cell)
        x, y = places[name]
        spots[name] = (round(1000 * x), round(1000 * y)), technology.flipped(y)
        block_cell(grid, metals[cell], *spots[name])
    nets = {
        net: [
            accesses(grid, metals[cells[pin.owner]], pin.name, *spots[pin.owner])
            if pin.name
            else port_accesses(grid, pin.at, width, height)
            for pin in wire.pins
        ]
        for net, wire in wires.items()
    }
    negotiation = Negotiation(grid, nets)
    failed = negotiation.run(say)
    return Routed(grid, negotiation.routes, frozenset(failed), straps, negotiation.rounds)


def port_accesses(grid: Grid, wish: tuple[float, float], width: int, height: int) -> list[Access]:
    """Ends of tracks near a place of the edge: of met2, met4 below and above, else met1, met3."""
    x, y = (round(1000 * side) for side in wish)
    i0, j0 = grid.near(x, y)
    lying = min(x, width - x) < min(y, height - y)
    near = (x if lying else y) < (width - x if lying else height - y)
    last = (grid.nx if lying else grid.ny) - 2
    found = []
    for away in sorted(range(-PORT_TRACKS, PORT_TRACKS + 1), key=abs):
        at = (j0 if lying else i0) + away
        if not 0 < at < (grid.ny if lying else grid.nx) - 1:
            continue
        for layer in (0, 2) if lying else (1, 3):
            every = 2 if layer == 3 else 1
            first = 1 if near else last - (last - 1) % every
            stub = (first, first + every if near else first - every)
            points = [
                grid.point(layer, each, at) if lying else grid.point(layer, at, each)
                for each in stub
            ]
            if not any(grid.blocked[point] for point in points):
                claims = {*points, *grid.step(*points)}
                found.append(Access(points[-1], tuple(sorted(claims)), stub=tuple(points)))
    return found
