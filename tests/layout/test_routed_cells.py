"""A few cells of sky130, placed and routed: the GDS joins what the netlist joins."""

import random
import re
from dataclasses import replace

import pytest

from gaincell.layout.checks import violations
from gaincell.layout.digital.files import fillers, write_def, write_gds
from gaincell.layout.digital.placement.core import Core
from gaincell.layout.digital.placement.legal import legalise
from gaincell.layout.digital.placement.ports import port_places
from gaincell.layout.digital.routing.def_text import def_metal
from gaincell.layout.digital.routing.grid import METAL
from gaincell.layout.digital.routing.lvs import compare
from gaincell.layout.digital.routing.metal import draw_route
from gaincell.layout.digital.routing.result import wiring
from gaincell.layout.digital.routing.route import route
from gaincell.layout.digital.steiner import steiner_tree
from gaincell.layout.digital.technology import find_sky130
from gaincell.layout.digital.wires import NetWire, Pin
from gaincell.layout.klayout import db
from gaincell.synth.netlist import Instance, Netlist, Port

pytestmark = pytest.mark.needs("sky130")
INPUTS = {
    "inv_1": ("A",),
    "nand2_1": ("A", "B"),
    "dfxtp_1": ("CLK", "D"),
    "fa_1": ("A", "B", "CIN"),
    "o21ai_1": ("A1", "A2", "B1"),
    "xor2_1": ("A", "B"),
}
OUTPUTS = {"dfxtp_1": "Q", "fa_1": "SUM", "xor2_1": "X"}


def random_netlist(seed, cells=70):
    """Cells that drive each other at random; two nets are ports."""
    drawn = random.Random(seed)
    instances = []
    for at in range(cells):
        kind = drawn.choice(list(INPUTS))
        pins = {pin: f"n{drawn.randrange(cells)}" for pin in INPUTS[kind]}
        pins[OUTPUTS.get(kind, "Y")] = f"n{at}"
        instances.append(Instance(f"u{at}", f"sky130_fd_sc_hd__{kind}", pins))
    ports = (Port("in", "input", ("n_in",)), Port("out", "output", ("n3",)))
    first = instances[0]
    pin = INPUTS[first.cell.split("__")[1]][0]
    instances[0] = replace(first, pins={**first.pins, pin: "n_in"})
    return Netlist("top", ports, tuple(instances), (), {})


class Drawn:
    """A netlist placed, routed and written as GDS."""

    def __init__(self, seed, folder):
        self.netlist, self.technology = random_netlist(seed), find_sky130()
        width = {
            each.name: self.technology.cell(each.cell).width_um for each in self.netlist.instances
        }
        side = (sum(width.values()) * 2.72 / 0.6) ** 0.5
        self.core = Core(round(side / 2.72), round(side / 0.46), 2.72, 0.46)
        self.folder, centre = folder, drawn_wishes(seed, width, side)
        self.places = legalise(centre, width, self.core)
        ports = port_places(self.netlist, self.places, self.core)
        pins = {}
        for each in self.netlist.instances:
            x, y = self.places[each.name]
            for pin, net in each.pins.items():
                drives = pin in ("Y", "Q", "SUM", "X")
                pins.setdefault(net, []).append(Pin(each.name, pin, drives, (x, y)))
        for net, place in ports.items():
            pins[net].append(Pin(net, "", net == "n_in", place))
        self.wires = {
            net: NetWire(tuple(found), steiner_tree([pin.at for pin in found]))
            for net, found in pins.items()
            if len(found) > 1
        }
        self.routed = route(self.netlist, self.wires, self.technology, self.places, self.core)
        size = round(1000 * self.core.width_um), round(1000 * self.core.height_um)
        grid, routes = self.routed.grid, self.routed.routes
        self.metal = {net: draw_route(grid, each, *size) for net, each in routes.items()}
        self.ports = {net: each.port for net, each in self.metal.items() if each.port}

    def shapes(self):
        drawn = [shape for metal in self.metal.values() for shape in metal.shapes()]
        return drawn + [(layer, box) for _, layer, box in self.routed.straps.shapes]

    def write(self, shapes):
        cells = {each.name: each.cell for each in self.netlist.instances}
        placed = {name: (cell, self.places[name]) for name, cell in cells.items()}
        placed |= fillers(cells, self.places, self.technology, self.core)
        gds = self.folder / "top.gds"
        write_gds("top", placed, self.technology, gds, shapes)
        return gds

    def compare(self, shapes, process):
        return compare(
            self.write(shapes), process, self.netlist, self.technology, self.places, self.ports
        )


def drawn_wishes(seed, names, side):
    drawn = random.Random(seed)
    return {name: (drawn.uniform(0, side), drawn.uniform(0, side)) for name in names}


@pytest.fixture(scope="module", params=[1, 2])
def drawn(request, tmp_path_factory):
    return Drawn(request.param, tmp_path_factory.mktemp("routed"))


def test_all_nets_and_supplies_are_joined_and_no_rule_is_broken(drawn, process):
    assert drawn.routed.failed == frozenset()
    assert drawn.metal.keys() == drawn.wires.keys()
    assert drawn.ports.keys() == {"n_in", "n3"}
    joined = drawn.compare(drawn.shapes(), process)
    assert (joined.opens, joined.shorts) == ((), ())
    layout = db().Layout()
    layout.read(str(drawn.folder / "top.gds"))
    assert violations(layout.top_cell(), wiring(process)) == {}


@pytest.mark.parametrize("cut", ["mcon", "via", "via2"])
def test_a_missing_cut_is_an_open(drawn, process, cut):
    net, metal = next(
        (net, each) for net, each in drawn.metal.items() if cut in {name for name, *_ in each.vias}
    )
    gone = next(box for layer, box in metal.shapes() if layer == cut)
    shapes = [each for each in drawn.shapes() if each != (cut, gone)]
    joined = drawn.compare(shapes, process)
    assert joined.opens == (net,)
    assert joined.shorts == ()


def test_a_missing_strap_opens_its_supply(drawn, process):
    straps = {
        box for name, layer, box in drawn.routed.straps.shapes if (name, layer) == ("VPWR", "met4")
    }
    shapes = [each for each in drawn.shapes() if each[0] != "met4" or each[1] not in straps]
    assert drawn.compare(shapes, process).opens == ("VPWR",)


@pytest.mark.parametrize("metal", METAL[:3])
def test_a_bridge_between_two_nets_is_a_short(drawn, process, metal):
    wires = [
        (net, segment)
        for net, each in drawn.metal.items()
        for segment in each.segments
        if segment[0] == metal
    ]
    (one, first), (two, second) = next(
        (a, b) for a in wires for b in wires if a[0] < b[0] and a[1][1:3] != b[1][1:3]
    )
    bridge = (min(first[1], second[1]), min(first[2], second[2]), max(first[1], second[1]) + 1)
    box = (*bridge, max(first[2], second[2]) + 1)
    joined = drawn.compare([*drawn.shapes(), (metal, box)], process)
    assert joined.opens == ()
    assert any({one, two} <= set(nets) for nets in joined.shorts)


def test_a_port_without_metal_is_an_open(drawn, process):
    gds = drawn.write(drawn.shapes())
    ports = {**drawn.ports, "n3": None}
    joined = compare(gds, process, drawn.netlist, drawn.technology, drawn.places, ports)
    assert (joined.opens, joined.shorts) == (("n3",), ())


def test_a_cell_elsewhere_is_no_match(drawn, process):
    moved = dict(drawn.places)
    moved["u0"], moved["u1"] = moved["u1"], moved["u0"]
    gds = drawn.write(drawn.shapes())
    joined = compare(gds, process, drawn.netlist, drawn.technology, moved, drawn.ports)
    assert joined.opens or joined.shorts


def test_def_has_the_wires_vias_and_straps(drawn):
    file = drawn.folder / "top.def"
    ports = port_places(drawn.netlist, drawn.places, drawn.core)
    metal = def_metal(drawn.routed, drawn.metal)
    write_def(drawn.netlist, drawn.places, ports, drawn.technology, drawn.core, file, metal)
    text = file.read_text()
    length = 0
    nets = text[text.index("\nNETS") : text.index("END NETS")]
    pattern = r"met\d \( (\d+) (\d+) \) \( (\d+|\*) (\d+|\*) \)"
    for x0, y0, x1, y1 in re.findall(pattern, nets):
        length += abs(int(x1) - int(x0)) if x1 != "*" else abs(int(y1) - int(y0))
    drawn_nm = sum(each.length_nm(name) for each in drawn.metal.values() for name in METAL)
    assert length == drawn_nm
    vias = sum(len(each.vias) for each in drawn.metal.values())
    assert len(re.findall(r"(mcon|via\d?)_pad", nets)) == vias
    assert text.count("+ SHAPE STRIPE") == 2
    assert re.search(r"- n_in \+ NET n_in .* \+ LAYER met[1-4] \( 0 0 \)", text)
