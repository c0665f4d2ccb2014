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
    """Ends of tracks near a place of the edge: of met2 below and above, else of met3."""
    x, y = (round(1000 * side) for side in wish)
    i0, j0 = grid.near(x, y)
    lying = min(x, width - x) < min(y, height - y)
    found = []
    for away in sorted(range(-PORT_TRACKS, PORT_TRACKS + 1), key=abs):
        if lying:
            j = j0 + away
            columns = (1, 2) if x < width - x else (grid.nx - 2, grid.nx - 3)
            stubs = [[grid.point(2, i, j) for i in columns]] if 0 < j < grid.ny - 1 else []
        else:
            i = i0 + away
            up = y < height - y
            lines = (1, 2) if up else (grid.ny - 2, grid.ny - 3)
            stubs = [[grid.point(1, i, j) for j in lines]] if 0 < i < grid.nx - 1 else []
        for stub in stubs:
            if not any(grid.blocked[point] for point in stub):
                claims = {*stub, *grid.step(*stub)}
                found.append(Access(stub[-1], tuple(sorted(claims)), stub=tuple(stub)))
    return found
