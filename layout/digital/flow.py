"""From a config to a placed, timed and drawn head; each step leaves a folder."""

import json
import resource
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gaincell.behavioral.tokens import Tokens
from gaincell.config import HeadConfig
from gaincell.files import replacing
from gaincell.layout.digital.files import DefMetal, fillers, write_def, write_gds
from gaincell.layout.digital.metrics import LayoutMetrics
from gaincell.layout.digital.picture import CLOCK_TREE, draw
from gaincell.layout.digital.placement.placement import Placement
from gaincell.layout.digital.routing.def_text import def_metal
from gaincell.layout.digital.routing.picture import draw_routes
from gaincell.layout.digital.routing.result import RoutedHead
from gaincell.layout.digital.routing.route import route
from gaincell.layout.digital.sta import PlacedTiming, time_placed
from gaincell.layout.digital.technology import Technology
from gaincell.layout.digital.wires import NetWire, spef
from gaincell.synth.blocks import blocks_of
from gaincell.synth.library.cells import Library
from gaincell.synth.metrics import METRICS, Equivalence, PowerSum, as_json
from gaincell.synth.netlist import Netlist
from gaincell.synth.netlist_change import write_changed
from gaincell.synth.saif import read_saif
from gaincell.synth.sizing.circuit import Circuit
from gaincell.synth.steps import equivalence, gate_level, mapping, step, timing, verilog
from gaincell.synth.steps.mapping import MappingOptions
from gaincell.synth.steps.power import TESTBENCH_CLOCK_NS, power_of
from gaincell.synth.wire_estimate import WireEstimate

STEPS = (
    *("verilog", "netlist", "before", "placement", "timing"),
    *("routing", "equivalence", "activity", "files", "check"),
)
ROUTES = "routes.png"


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a layout starts from; ``fill`` is the part of the core that cells take.

    tokens : what goes through the placed netlist for its power; None: no simulation, no power
    prove : prove that the placed netlist does what the Verilog does
    route : route all nets, and check the result
    """

    config: HeadConfig
    library: Library
    technology: Technology
    clock_ns: float
    fill: float
    tokens: Tokens | None = None
    prove: bool = False
    route: bool = False


class _Run:
    """Folders and durations of the steps of one run."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder, self._say = folder, say
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[Path]:
        begin = time.monotonic()
        self._say(f"{name} ...")
        folder = self._folder / f"{STEPS.index(name) + 1}-{name}"
        folder.mkdir()
        yield folder
        self.seconds[name] = round(time.monotonic() - begin, 1)


def run_layout(given: Given, folder: Path, say: Callable[[str], None] = print) -> LayoutMetrics:
    """Lay the control of a head out in ``folder``.

    Raises
    ------
    Refused, Failed, Unable
        The library is at fault; the netlist is wrong; a tool is missing or stopped.
    """
    for old in (METRICS, ROUTES):
        (folder / old).unlink(missing_ok=True)
    begin_s = _cpu_s()
    run, library = _Run(folder, say), given.library
    with run.step("verilog") as place:
        text = verilog.run(verilog.Inputs(config=given.config, folder=place)).verilog
    options = MappingOptions(clock_ns=given.clock_ns, sizing=True)
    with run.step("netlist") as place:
        mapped = mapping.run(
            mapping.Inputs(verilog=text, library=library, options=options, folder=place)
        )
    assert mapped.sizing is not None
    with run.step("before") as place:
        step.link(place, mapped.library_file, mapped.netlist_file)
        before, _ = timing.time_netlist(
            mapped.netlist, mapped.block, given.clock_ns, place, mapped.map_log
        )
    with run.step("placement") as place:
        placement = Placement(mapped.netlist, library, given.technology, given.fill, place)
        placement.improve(given.clock_ns)
    with run.step("timing") as place:
        step.link(place, mapped.library_file)
        times = placement.close(given.clock_ns, place)
    netlist, wires = placement.netlist, placement.wires
    head = routing = None
    if given.route:
        with run.step("routing") as place:
            step.link(place, mapped.library_file)
            head, routed_times = _route(placement, given.clock_ns, place)
            wires = head.wires
    points = None
    if given.prove:
        with run.step("equivalence") as place:
            changed = place / "placed.json"
            write_changed(mapped.netlist_json, mapped.netlist, netlist, library, changed)
            points = equivalence.prove_equivalent(changed, text, library, place)
    block = blocks_of(netlist, library)
    block |= dict.fromkeys(placement.clock_buffers, CLOCK_TREE)
    power = energy_j = None
    if given.tokens is not None:
        with run.step("activity") as place:
            power, energy_j = _power(given, netlist, block, text, wires, place)
    with run.step("files") as place:
        _write_files(given.technology, placement, head, block, place)
        gds = place / "head.gds"
    if head is not None:
        with run.step("check") as place:
            joined, broken = head.check(gds, place / "found.txt")
            routing = head.metrics(joined, broken, routed_times)
    for file in (folder / f"{STEPS.index('files') + 1}-files").iterdir():
        shutil.copy(file, folder / file.name)
    lengths = sum(wire.tree.length_um for wire in wires.values())
    core = placement.core
    metrics = LayoutMetrics(
        config=given.config.fields_set(),
        library=library.label,
        before=before,
        sizing=mapped.sizing,
        cells=len(netlist.instances),
        cells_um2=round(netlist.area_um2(library), 1),
        core_um2=round(core.width_um * core.height_um, 1),
        core_um=(round(core.width_um, 2), round(core.height_um, 2)),
        clock_buffers=len(placement.clock_buffers),
        resized_placed=placement.resized,
        buffers_placed=len(placement.relieving),
        hold_cells=placement.hold_cells,
        wire_mm=round(lengths / 1000, 3),
        wire_um_per_input=round(_um_per_input(placement), 3),
        wire_um_per_input_estimated=round(_estimated_um_per_input(mapped.netlist, library), 3),
        setup_slack_ns=times.setup_slack_ns,
        hold_slack_ns=times.hold_slack_ns,
        fmax_mhz=round(times.fmax_mhz, 1),
        latency_ns=round(times.latency_ns, 4),
        routing=routing,
        equivalence=None if points is None else Equivalence(points=points),
        power=power,
        energy_per_token_j=energy_j,
        seconds=run.seconds,
        cpu_s=round(_cpu_s() - begin_s, 1),
    )
    with replacing(folder / METRICS) as unfinished:
        unfinished.write_text(json.dumps(as_json(metrics), indent=2) + "\n")
    return metrics


def _um_per_input(placement: Placement) -> float:
    """Length of the wires but the clock's, for each input of a cell on them."""
    wires = [wire for net, wire in placement.wires.items() if net not in placement.circuit.clocks]
    inputs = sum(pin.name != "" for wire in wires for pin in wire.pins[1:])
    return sum(wire.tree.length_um for wire in wires) / max(1, inputs)


def _estimated_um_per_input(netlist: Netlist, library: Library) -> float:
    """What synthesis assumes of ``netlist`` in the place of that."""
    circuit, estimate = Circuit(netlist, library), WireEstimate.of(netlist, library)
    nets = {*circuit.drivers, *circuit.inputs} - circuit.clocks
    sinks = {net: len(circuit.sinks.get(net, ())) for net in nets}
    joined = {net: n for net, n in sinks.items() if n or net in circuit.outputs}
    lengths = sum(estimate.length_um(net, n) for net, n in joined.items())
    return lengths / max(1, sum(joined.values()))


def _power(
    given: Given,
    netlist: Netlist,
    block: dict[str, str],
    text: str,
    wires: dict[str, NetWire],
    folder: Path,
) -> tuple[PowerSum, float]:
    """Power with the wires of the placement, and energy of a token, J."""
    assert given.tokens is not None
    run = gate_level.run(
        gate_level.Inputs(
            config=given.config,
            netlist=netlist,
            library=given.library,
            tokens=given.tokens,
            folder=folder,
        )
    )
    nets = {net for instance in netlist.instances for net in instance.pins.values()}
    recorded = read_saif(run.saif, gate_level.SCOPE, nets)
    activity = recorded.at_clock(TESTBENCH_CLOCK_NS, given.clock_ns)
    placed_um = {net: wire.tree.length_um for net, wire in wires.items()}
    power = power_of(netlist, given.library, activity, block, placed_um)
    return power, power.total_w * activity.seconds / len(given.tokens)


def _route(placement: Placement, clock_ns: float, folder: Path) -> tuple[RoutedHead, PlacedTiming]:
    """The routes of a placement, and its timing with their wires."""
    with (folder / "routing.log").open("w") as log:

        def say(line: str) -> None:
            print(line, file=log, flush=True)

        routed = route(
            placement.netlist,
            placement.wires,
            placement.technology,
            placement.places,
            placement.core,
            say,
        )
    head = RoutedHead(placement, routed)
    name = placement.netlist.name
    (folder / "netlist.v").write_text(placement.netlist.verilog())
    (folder / "wires.spef").write_text(spef(name, head.wires, placement.technology))
    return head, time_placed(name, clock_ns, folder)


def _write_files(
    technology: Technology,
    placement: Placement,
    head: RoutedHead | None,
    block: dict[str, str],
    folder: Path,
) -> None:
    netlist, places, core = placement.netlist, placement.places, placement.core
    wires = placement.wires if head is None else head.wires
    (folder / "head.v").write_text(netlist.verilog())
    (folder / "head.spef").write_text(spef(netlist.name, wires, technology))
    metal = DefMetal() if head is None else def_metal(head.routed, head.metal)
    write_def(netlist, places, placement.ports, technology, core, folder / "head.def", metal)
    cells = {instance.name: instance.cell for instance in netlist.instances}
    placed = {name: (cell, places[name]) for name, cell in cells.items()}
    placed |= fillers(cells, places, technology, core)
    shapes, labels = ((), ()) if head is None else (head.shapes(), head.labels())
    write_gds(netlist.name, placed, technology, folder / "head.gds", shapes, labels)
    draw(netlist, block, places, technology, core, folder / "head.png")
    if head is not None:
        draw_routes(shapes, core, folder / ROUTES)


def _cpu_s() -> float:
    """CPU time of this process and of those it ran, s."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)
