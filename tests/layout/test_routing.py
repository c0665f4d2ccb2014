"""Routes without cells: what they claim, what is drawn, and its rules."""

import random

import pytest

from gaincell.layout.checks import violations
from gaincell.layout.digital.routing.grid import METAL, Grid
from gaincell.layout.digital.routing.metal import draw_route
from gaincell.layout.digital.routing.negotiate import Access, Negotiation, Route
from gaincell.layout.digital.routing.result import wiring
from gaincell.layout.digital.routing.route import port_accesses
from gaincell.layout.digital.routing.tree import routed_wire
from gaincell.layout.digital.steiner import steiner_tree
from gaincell.layout.digital.wires import NetWire, Pin
from gaincell.layout.klayout import db

SIDE = 30_000


def pin_at(grid, i, j):
    point = grid.point(0, i, j)
    claims = {point, *grid.pad(point)}
    return Access(point, tuple(sorted(claims)), contact_x=grid.at(point)[0])


def random_nets(seed, nets, most=5):
    """Nets of pins on every other track, each with one or two accesses, and some with a port."""
    drawn = random.Random(seed)
    grid = Grid(SIDE, SIDE)
    spots = [(i, j) for i in range(3, grid.nx - 4, 3) for j in range(3, grid.ny - 3, 2)]
    drawn.shuffle(spots)
    found = {}
    for net in range(nets):
        pins = []
        for _ in range(drawn.randint(2, most)):
            i, j = spots.pop()
            accesses = [pin_at(grid, i, j)]
            if drawn.random() < 0.3:
                accesses.append(pin_at(grid, i + 1, j))
            pins.append(accesses)
        if drawn.random() < 0.3:
            along = drawn.uniform(0, SIDE / 1000)
            edge = drawn.choice([(along, 0.0), (along, 30.0), (0.0, along), (30.0, along)])
            pins.append(port_accesses(grid, edge, SIDE, SIDE))
        found[f"n{net}"] = pins
    return grid, found


def broken_by(shapes, process):
    """Rules that metal breaks."""
    layout = db().Layout()
    cell = layout.create_cell("metal")
    for layer, box in shapes:
        cell.shapes(layout.layer(*process.gds(layer))).insert(db().Box(*box))
    return violations(cell, wiring(process))


@pytest.fixture(scope="module", params=range(3))
def routed(request):
    grid, nets = random_nets(request.param, 60)
    negotiation = Negotiation(grid, nets)
    assert negotiation.run() == set()
    return grid, nets, negotiation.routes


def test_no_two_routes_claim_the_same(routed):
    grid, nets, routes = routed
    assert routes.keys() == nets.keys()
    claimed = [claim for route in routes.values() for claim in route.claims(grid)]
    assert len(claimed) == len(set(claimed))
    assert not any(grid.blocked[point] for point in claimed if point < grid.count)


def test_a_route_joins_all_pins_step_by_step(routed):
    grid, nets, routes = routed
    for net, route in routes.items():
        root = route.accesses[0].point
        for at, accesses in enumerate(nets[net]):
            assert route.accesses[at] in accesses
            point, steps = route.accesses[at].point, 0
            while point != root:
                before = route.before[point]
                (x0, y0), (x1, y1) = grid.at(point), grid.at(before)
                layers = grid.layer(point), grid.layer(before)
                if layers[0] == layers[1]:
                    assert (y0 == y1) if layers[0] % 2 == 0 else (x0 == x1)
                else:
                    assert (x0, y0) == (x1, y1)
                    assert abs(layers[0] - layers[1]) == 1
                point, steps = before, steps + 1
                assert steps <= len(route.before), "the route has a circle"


def test_the_drawn_metal_breaks_no_rule(routed, process):
    grid, _, routes = routed
    metals = (draw_route(grid, route, SIDE, SIDE) for route in routes.values())
    assert len(wiring(process).rules) == 33
    assert broken_by((shape for metal in metals for shape in metal.shapes()), process) == {}


def test_pads_of_one_net_on_neighbouring_tracks_leave_no_thin_metal(process):
    grid = Grid(SIDE, SIDE)
    one, two, three = (grid.point(0, i, j) for i, j in ((5, 9), (6, 9), (6, 10)))
    beside = grid.at(three)[0] - 200
    before = {one: one, two: one, two + grid.plane: two}
    before |= {three + grid.plane: two + grid.plane, three: three + grid.plane}
    accesses = {0: Access(one, (one,), grid.at(one)[0]), 1: Access(three, (three,), beside)}
    metal = draw_route(grid, Route(before, accesses), SIDE, SIDE)
    assert broken_by(metal.shapes(), process) == {}


def test_the_tree_has_the_length_of_the_metal(routed):
    grid, nets, routes = routed
    for net, route in routes.items():
        pins = tuple(Pin(f"u{at}", "A", at == 0, (0.0, 0.0)) for at in range(len(nets[net])))
        wire = routed_wire(grid, route, NetWire(pins, steiner_tree([pin.at for pin in pins])))
        metal = draw_route(grid, route, SIDE, SIDE)
        stubs = sum(
            sum(grid.at(access.stub[-1])) - sum(grid.at(access.stub[0]))
            for access in route.accesses.values()
            if access.stub
        )
        assert len(wire.pins) == len(pins)
        assert [pin.at for pin in wire.pins] == list(wire.tree.points[: len(pins)])
        drawn = sum(metal.length_nm(name) for name in METAL)
        assert drawn >= 1000 * wire.tree.length_um - 1e-6
        assert drawn - abs(stubs) <= 1000 * wire.tree.length_um + 1e-6


def test_nets_that_cannot_all_be_routed_are_given_up(monkeypatch):
    monkeypatch.setattr("gaincell.layout.digital.routing.negotiate.ROUNDS", 8)
    grid = Grid(SIDE, SIDE)
    for j in range(grid.ny):
        for layer in range(4):
            if j != 20:
                grid.blocked[grid.point(layer, 30, j)] = 1
    # Three nets must pass one column at one line, on met1 or met3.
    nets = {
        f"n{at}": [[pin_at(grid, 10, 10 + 3 * at)], [pin_at(grid, 50, 10 + 3 * at)]]
        for at in range(3)
    }
    negotiation = Negotiation(grid, nets)
    lost = negotiation.run()
    assert 1 <= len(lost) <= 2
    assert negotiation.routes.keys() == nets.keys() - lost
    claimed = [c for route in negotiation.routes.values() for c in route.claims(grid)]
    assert len(claimed) == len(set(claimed))


def test_a_pin_without_access_loses_its_net_alone():
    grid = Grid(SIDE, SIDE)
    nets = {
        "whole": [[pin_at(grid, 5, 5)], [pin_at(grid, 12, 9)]],
        "lost": [[pin_at(grid, 20, 5)], []],
    }
    negotiation = Negotiation(grid, nets)
    assert negotiation.run() == {"lost"}
    assert negotiation.routes.keys() == {"whole"}
