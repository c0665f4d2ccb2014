import re
from dataclasses import replace

import numpy as np
import pytest

from gaincell.config import HeadConfig
from gaincell.synth.netlist import Instance, Netlist, Port, read_netlist
from gaincell.synth.netlist_change import write_changed
from gaincell.synth.sizing.arcs import LibraryArcs
from gaincell.synth.sizing.buffering import MOST_SINKS, Trees, strip_buffers
from gaincell.synth.sizing.circuit import Circuit
from gaincell.synth.sizing.families import families
from gaincell.synth.sizing.isolating import reliefs
from gaincell.synth.sizing.size import size_netlist
from gaincell.synth.sizing.tables import TableStack
from gaincell.synth.sizing.timer import Timer, Wire
from gaincell.synth.steps.equivalence import NotProved, prove_equivalent
from gaincell.synth.steps.mapping import TOP
from gaincell.synth.steps.sdc import UNCERTAINTY_NS
from gaincell.synth.steps.timing import time_netlist

PAIRED = HeadConfig(head_dim=3, window=6, columns=3, sink=2, schedule="paired", sync_stages=2)
FAST_NS = 0.3
"""A clock that no library here reaches: everything slow is resized."""


def no_wires(net, sinks):
    return Wire(0.0)


def fan(sinks):
    """A flop that drives so many inverters, each before a flop."""
    pins = [(f"i{at}", f"y{at}") for at in range(sinks)]
    instances = [Instance("f", "DFF", {"CK": "clk", "D": "y0", "Q": "q"})]
    for at, (name, net) in enumerate(pins):
        instances.append(Instance(name, "INV", {"A": "q", "Y": net}))
        instances.append(Instance(f"f{at}", "DFF", {"CK": "clk", "D": net, "Q": f"q{at}"}))
    return Netlist(TOP, (Port("clk", "input", ("clk",)),), tuple(instances), (), {})


def roots(netlist, kinds):
    """What drives each input through all buffers."""
    source = {}
    for instance in netlist.instances:
        if instance.cell in kinds.buffer_pins:
            taken, given = kinds.buffer_pins[instance.cell]
            source[instance.pins[given]] = instance.pins[taken]

    def root(net):
        while net in source:
            net = source[net]
        return net

    return {
        (instance.name, pin): root(net)
        for instance in netlist.instances
        if instance.cell not in kinds.buffer_pins
        for pin, net in instance.pins.items()
    }


def test_tables_are_bilinear_and_go_on_beyond_their_ends():
    stack = TableStack()
    plane = stack.add(np.array([0.0, 1.0, 3.0]), np.array([0.0, 2.0]), PLANE)
    one = stack.add(np.array([0.5]), np.array([1.0]), np.array([[7.0]]))
    x, y = np.array([0.5, 4.0, -1.0, 9.0]), np.array([1.0, 3.0, 1.0, -3.0])
    found = stack.at(np.array([plane, plane, plane, one]), x, y)
    assert found == pytest.approx([0.5 + 10 * 1.0, 4.0 + 30.0, -1.0 + 10.0, 7.0])


PLANE = np.array([[0.0, 20.0], [1.0, 21.0], [3.0, 23.0]])
"""x + 10 y."""


@pytest.mark.needs("opensta")
def test_the_period_is_that_of_opensta(real_library, mapped, tmp_path):
    library = real_library("sky130hd_tt")
    netlist, path, _ = mapped(library, PAIRED)
    (tmp_path / "netlist.v").write_text(netlist.verilog())
    without_wires = re.sub(r"^  default_wire_load.*$", "", library.text, flags=re.MULTILINE)
    (tmp_path / "library.lib").write_text(without_wires)
    theirs, _ = time_netlist(netlist, {}, 1.0, tmp_path, path.parent / "map.log")
    ours = Timer(Circuit(netlist, library), LibraryArcs(library), no_wires).time()
    assert ours.period_ns == pytest.approx(1.0 - theirs.slack_ns, rel=0.01)


def test_a_net_of_many_sinks_becomes_a_tree(generic):
    netlist = fan(100)
    kinds, arcs = families(generic), LibraryArcs(generic)
    circuit = Circuit(netlist, generic)
    timer = Timer(circuit, arcs, no_wires)
    slow = timer.time()
    made = Trees(circuit, arcs, kinds, no_wires).grow(slow)
    assert len(made) >= 100 / MOST_SINKS - 1
    sinks = [len(each) for net, each in circuit.sinks.items() if net != "clk"]
    assert max(sinks) <= MOST_SINKS
    sized = circuit.to_netlist()
    before, after = roots(netlist, kinds), roots(sized, kinds)
    assert before == after
    assert Timer(circuit, arcs, no_wires).time().period_ns < slow.period_ns
    assert strip_buffers(circuit, kinds) == len(made)
    assert circuit.to_netlist().instances == netlist.instances


def test_a_clock_buffer_comes_and_goes(generic):
    circuit, kinds = Circuit(fan(3), generic), families(generic)
    pins = kinds.buffer_pins[kinds.buffers[0]]
    name = circuit.buffer("clk", list(circuit.sinks["clk"])[:2], kinds.buffers[0], pins)
    assert len(circuit.clocks) == 2
    assert circuit.bypass(name, pins)
    assert circuit.clocks == {"clk"}
    assert sorted(circuit.sinks["clk"]) == sorted(Circuit(fan(3), generic).sinks["clk"])
    assert circuit.to_netlist().instances == fan(3).instances


def test_inputs_that_can_wait_go_behind_a_buffer(generic):
    """A flop drives a long chain of inverters, and eight flops at once."""
    instances = [Instance("f", "DFF", {"CK": "clk", "D": "y79", "Q": "q"})]
    for at in range(80):
        source = "q" if at == 0 else f"y{at - 1}"
        instances.append(Instance(f"i{at}", "INV", {"A": source, "Y": f"y{at}"}))
    for at in range(8):
        instances.append(Instance(f"f{at}", "DFF", {"CK": "clk", "D": "q", "Q": f"q{at}"}))
    ports = (Port("clk", "input", ("clk",)),)
    circuit = Circuit(Netlist(TOP, ports, tuple(instances), (), {}), generic)
    arcs, kinds = LibraryArcs(generic), families(generic)
    timer = Timer(circuit, arcs, no_wires)
    slow = timer.time()
    found = reliefs(timer, kinds, slow)
    assert [each.net for each in found] == ["q"]
    assert sorted(found[0].sinks) == [(f"f{at}", "D") for at in range(8)]
    kept = circuit.copy()
    cell = kinds.buffers[0]
    circuit.buffer("q", found[0].sinks, cell, kinds.buffer_pins[cell])
    timer = Timer(circuit, arcs, no_wires)
    assert timer.time().period_ns < slow.period_ns
    assert reliefs(timer, kinds, timer.time()) == []
    assert Timer(kept, arcs, no_wires).time().period_ns == slow.period_ns


def test_a_wire_counts_as_load_and_as_delay(generic):
    netlist = fan(1)
    arcs = LibraryArcs(generic)

    def period(wire):
        return Timer(Circuit(netlist, generic), arcs, lambda net, sinks: wire).time().period_ns

    plain = period(Wire(0.0))
    assert plain > UNCERTAINTY_NS
    assert period(Wire(0.0, 0.1)) == pytest.approx(plain + 0.2, abs=1e-9)
    assert period(Wire(3.0)) > plain + 0.005


def test_clocks_and_clock_gates_stay(real_library, mapped):
    library = real_library("nangate45_typ")
    netlist, _, _ = mapped(library, PAIRED)
    sized = size_netlist(netlist, library, FAST_NS).netlist
    clocks = Circuit(netlist, library).clocks
    assert len(clocks) > 1
    old = {each.name: each for each in netlist.instances}
    for instance in sized.instances:
        if library.cells[instance.cell].gate:
            assert instance.cell == old[instance.name].cell
        on_clock = {pin: net for pin, net in instance.pins.items() if net in clocks}
        if instance.name in old:
            assert on_clock.items() <= old[instance.name].pins.items()
        else:
            assert not on_clock


def test_a_clock_that_is_met_needs_no_sizes(generic, mapped):
    netlist, _, _ = mapped(generic, PAIRED)
    sizing = size_netlist(netlist, generic, 100.0).sizing
    assert sizing.resized == 0
    assert sizing.period_ns <= 100.0


@pytest.mark.formal
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "period"),
    # Cells of IHP's library have few sizes.
    [("nangate45_typ", 0.95), ("sky130hd_tt", 0.95), ("sg13g2_typ", 0.97)],
)
def test_a_sized_netlist_is_faster_and_proved_to_be_the_rtl(
    real_library, mapped, tmp_path, name, period
):
    """Two registers in a row, a sink and pairs of tokens: the head with most kinds of registers."""
    library = real_library(name)
    netlist, path, rtl = mapped(library, PAIRED)
    sized = size_netlist(netlist, library, FAST_NS)
    assert sized.sizing.buffers_added > 0
    assert sized.sizing.resized > 20
    assert sized.sizing.period_ns < period * sized.sizing.period_before_ns
    changed = tmp_path / "sized.json"
    write_changed(path, netlist, sized.netlist, library, changed)
    again = read_netlist(changed, TOP)
    assert again.counts == sized.netlist.counts
    assert prove_equivalent(changed, rtl, library, tmp_path) > 300


@pytest.mark.formal
def test_a_buffer_on_the_wrong_net_is_refuted(generic, mapped, tmp_path):
    netlist, path, rtl = mapped(generic, HeadConfig(head_dim=2, window=4, columns=2))
    kinds = families(generic)
    circuit = Circuit(netlist, generic)
    flops = [each for each in netlist.instances if each.cell == "DFF"]
    net, cell = flops[0].pins["Q"], kinds.buffers[0]
    taken, given = kinds.buffer_pins[cell]
    circuit.buffer(net, list(circuit.sinks[net]), cell, (taken, given))
    right, wrong = tmp_path / "right.json", tmp_path / "wrong.json"
    write_changed(path, netlist, circuit.to_netlist(), generic, right)
    assert prove_equivalent(right, rtl, generic, tmp_path) > 20
    added = circuit.instances["b0"]
    circuit.instances["b0"] = replace(added, pins=added.pins | {taken: flops[1].pins["Q"]})
    write_changed(path, netlist, circuit.to_netlist(), generic, wrong)
    with pytest.raises(NotProved, match="unproven"):
        prove_equivalent(wrong, rtl, generic, tmp_path)


@pytest.mark.formal
def test_a_gated_clock_is_proved_through_its_buffers_and_no_other(generic, mapped, tmp_path):
    netlist, path, rtl = mapped(generic, HeadConfig(head_dim=2, window=4, columns=2))
    cell = families(generic).buffers[0]
    taken, given = families(generic).buffer_pins[cell]
    circuit = Circuit(netlist, generic)
    gates = [
        each.pins[generic.cells["CLKGATE"].outputs[0]]
        for each in netlist.instances
        if each.cell == "CLKGATE"
    ]
    stem = circuit.buffer(gates[0], list(circuit.sinks[gates[0]]), cell, (taken, given))
    behind = circuit.instances[stem].pins[given]
    leaf = circuit.buffer(behind, list(circuit.sinks[behind])[:2], cell, (taken, given))
    right, wrong = tmp_path / "right.json", tmp_path / "wrong.json"
    write_changed(path, netlist, circuit.to_netlist(), generic, right)
    assert prove_equivalent(right, rtl, generic, tmp_path) > 20
    added = circuit.instances[leaf]
    circuit.instances[leaf] = replace(added, pins=added.pins | {taken: gates[1]})
    write_changed(path, netlist, circuit.to_netlist(), generic, wrong)
    with pytest.raises(NotProved, match="unproven"):
        prove_equivalent(wrong, rtl, generic, tmp_path)


def test_sizes_have_one_function_and_buffers_pass_a_value(real_library):
    library = real_library("sky130hd_tt")
    kinds = families(library)
    prefix = "sky130_fd_sc_hd__"
    assert {f"{prefix}nand2_{size}" for size in (1, 2, 4, 8)} == set(
        kinds.sizes[f"{prefix}nand2_1"]
    )
    assert f"{prefix}dfxtp_4" in kinds.sizes[f"{prefix}dfxtp_1"]
    assert not any("dly" in cell for cell in kinds.buffers)
    assert kinds.delays
