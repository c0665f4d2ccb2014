import math
import random
from itertools import pairwise

import pytest

from gaincell.layout.digital.placement.core import Core
from gaincell.layout.digital.placement.legal import Full, legalise
from gaincell.layout.digital.placement.ports import PITCH_UM, port_places
from gaincell.layout.digital.placement.refine import Refiner
from gaincell.layout.digital.technology import PlacedCell
from gaincell.synth.netlist import Instance, Netlist, Port

CORE = Core(rows=12, sites=60, row_um=2.0, site_um=0.5)
SITES = {"narrow": 2, "usual": 4, "wide": 9}


class Cells:
    """Cells of three widths, each with two pins."""

    def cell(self, name):
        width = SITES[name] * CORE.site_um
        pins = {"A": (0.25, 1.0), "Y": (width - 0.25, 1.0)}
        return PlacedCell(name, width, CORE.row_um, pins)


def random_head(seed, cells=90, ports=()):
    """Cells that drive each other at random; every pin "A" is on the net of another cell."""
    drawn = random.Random(seed)
    instances = [
        Instance(
            f"u{at}",
            drawn.choice(list(SITES)),
            {"A": f"n{drawn.randrange(cells)}", "Y": f"n{at}"},
        )
        for at in range(cells)
    ]
    bits = tuple(Port(net, "output", (net,)) for net in ports)
    netlist = Netlist("top", bits, tuple(instances), (), {})
    width_um = {each.name: SITES[each.cell] * CORE.site_um for each in instances}
    wanted = {each.name: (drawn.uniform(0, 30), drawn.uniform(0, 24)) for each in instances}
    return netlist, width_um, legalise(wanted, width_um, CORE)


def check_legal(places, width_um):
    rows = {}
    for name, (x, y) in places.items():
        assert x / CORE.site_um == pytest.approx(round(x / CORE.site_um))
        assert -1e-9 <= x <= CORE.width_um - width_um[name] + 1e-9
        assert round(y / CORE.row_um) in range(CORE.rows)
        rows.setdefault(round(y / CORE.row_um), []).append((x, x + width_um[name]))
    for row in rows.values():
        assert all(end <= start + 1e-9 for (_, end), (start, _) in pairwise(sorted(row)))


@pytest.mark.parametrize("seed", range(3))
def test_refined_cells_stay_legal_and_every_gain_is_true(seed):
    netlist, width_um, places = random_head(seed, ports=("n3", "n7"))
    ports = {"n3": (0.0, 5.0), "n7": (30.0, 11.0)}
    refiner = Refiner(netlist, Cells(), CORE, places, ports, {"n5": 4.0})
    for _ in range(3):
        before = refiner.cost_um()
        gain = refiner.improve()
        assert gain >= 0
        assert refiner.cost_um() == pytest.approx(before - gain)
        check_legal(refiner.places, width_um)
    assert refiner.places.keys() == places.keys()
    start = Refiner(netlist, Cells(), CORE, places, ports, {"n5": 4.0})
    assert refiner.cost_um() < 0.7 * start.cost_um()


def test_the_cost_is_the_half_rims_of_all_nets():
    instances = (
        Instance("a", "narrow", {"Y": "n"}),
        Instance("b", "narrow", {"A": "n", "Y": "alone"}),
    )
    netlist = Netlist("top", (), instances, (), {})
    places = {"a": (0.0, 0.0), "b": (10.0, 4.0)}
    cost = Refiner(netlist, Cells(), CORE, places, {}, {"n": 2.0}).cost_um()
    assert cost == pytest.approx(2.0 * (10.25 - 0.75 + 4.0))


def test_a_heavy_net_becomes_shorter_than_it_would_be():
    shorter = 0
    for seed in range(5):
        netlist, _, places = random_head(seed)
        sinks = dict.fromkeys((f"n{at}" for at in range(90)), 0)
        for instance in netlist.instances:
            sinks[instance.pins["A"]] += 1
        heavy = max(sinks, key=lambda net: (sinks[net], net))
        lengths = []
        for weight in (1.0, 20.0):
            refiner = Refiner(netlist, Cells(), CORE, places, {}, {heavy: weight})
            for _ in range(3):
                refiner.improve()
            only = dict.fromkeys(sinks, 0.0) | {heavy: 1.0}
            final = Refiner(netlist, Cells(), CORE, refiner.places, {}, only)
            lengths.append(final.cost_um())
        shorter += lengths[1] < lengths[0]
    assert shorter >= 4


def test_legal_cells_keep_apart_on_sites_and_near_their_wish():
    drawn = random.Random(5)
    core = Core(rows=10, sites=100, row_um=2.0, site_um=0.5)
    width_um = {f"c{at}": 0.5 * drawn.randint(1, 12) for at in range(120)}
    used = sum(width_um.values()) / 0.5 / (core.rows * core.sites)
    assert 0.6 < used < 0.95
    wanted = {name: (drawn.uniform(0, 50), drawn.uniform(0, 20)) for name in width_um}
    found = legalise(wanted, width_um, core)
    assert found.keys() == wanted.keys()
    rows = {}
    for name, (x, y) in found.items():
        assert x / 0.5 == pytest.approx(round(x / 0.5))
        assert 0 <= x <= core.width_um - width_um[name] + 1e-9
        assert y in {2.0 * row for row in range(core.rows)}
        rows.setdefault(y, []).append((x, x + width_um[name]))
    for row in rows.values():
        ordered = sorted(row)
        assert all(end <= start + 1e-9 for (_, end), (start, _) in pairwise(ordered))
    moved = [abs(found[n][0] - x) + abs(found[n][1] - y) for n, (x, y) in wanted.items()]
    assert sum(moved) / len(moved) < 4.0
    again = legalise(found, width_um, core)
    assert sum(again[name] != found[name] for name in found) == 0


def test_refuses_more_cells_than_fit():
    with pytest.raises(Full, match="1 rows of 4 sites"):
        legalise({"a": (0, 0), "b": (0, 0)}, {"a": 1.5, "b": 1.0}, Core(1, 4, 2.0, 0.5))


def test_ports_lie_on_the_edge_near_their_cells_each_on_its_own_track():
    netlist, _, places = random_head(1, ports=[f"n{at}" for at in range(90)])
    found = port_places(netlist, places, CORE)
    assert len(found) == 90
    sides = {0.0: [], CORE.width_um: []}, {0.0: [], CORE.height_um: []}
    for x, y in found.values():
        at_side = x if x in sides[0] else None
        assert at_side is not None or y in sides[1]
        (sides[1][y] if at_side is None else sides[0][x]).append(x if at_side is None else y)
    for side in (*sides[0].values(), *sides[1].values()):
        assert all(b - a >= PITCH_UM - 1e-9 for a, b in pairwise(sorted(side)))


def test_more_ports_than_tracks_share_the_edge():
    count = math.ceil(2 * (CORE.width_um + CORE.height_um) / PITCH_UM) + 50
    nets = [f"n{at}" for at in range(count)]
    netlist = Netlist(
        "top",
        tuple(Port(net, "output", (net,)) for net in nets),
        tuple(Instance(f"u{at}", "narrow", {"Y": net}) for at, net in enumerate(nets)),
        (),
        {},
    )
    places = {f"u{at}": (1.0, 1.0) for at in range(count)}
    found = port_places(netlist, places, CORE)
    assert len(set(found.values())) == count
    assert all(0 <= x <= CORE.width_um and 0 <= y <= CORE.height_um for x, y in found.values())
