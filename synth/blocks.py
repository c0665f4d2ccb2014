"""Which part of the head or core a cell of the flat netlist belongs to."""

import re
from collections import Counter, defaultdict

from gaincell.synth.library.cells import Library
from gaincell.synth.netlist import Netlist

REGISTERS = "registers"
"""Registers of the top itself, and of each group: the codes of the newest token."""
BEATS = "beats"
"""Payloads of a core that come or leave in beats."""
CLOCK = "clock gates"
ARRAY_PORTS = "array ports"
BLOCKS = (
    "write_pointer",
    "admission",
    "sequencer",
    "query_pulses",
    "readout",
    "result_queue",
    "refresh",
)
PORTS = {
    "result_": "result_queue",
    "refresh_": "refresh",
    "status_": "refresh",
    "token_": "admission",
    "array_": ARRAY_PORTS,
}
"""Blocks by the beginning of a port's name."""
BEAT_PARTS = ("token_upsizer", "response_upsizer", "result_downsizer")
GROUP = re.compile(r"group_\d+\.")
GROUP_PORTS = {
    **dict.fromkeys(("has_result", "outputs"), "result_queue"),
    **dict.fromkeys(("q", "k", "v", "k_again", "v_again"), BEATS),
}
"""Blocks of the flops that are known by the port of a group that they drive, or are driven from."""


def blocks_of(netlist: Netlist, library: Library) -> dict[str, str]:
    """Block of each instance by name.

    A flop belongs to the block that writes its register in the RTL. A gate belongs to the block of
    most of its sinks, as mapping dissolves the borders between blocks.
    """
    block: dict[str, str] = {}
    sinks: dict[str, list[str]] = defaultdict(list)
    driver: dict[str, str] = {}
    instances = {instance.name: instance for instance in netlist.instances}
    for name, instance in instances.items():
        cell = library.cells[instance.cell]
        for pin, net in instance.pins.items():
            if pin in cell.outputs:
                driver[net] = name
            else:
                sinks[net].append(name)
        if cell.gate:
            block[name] = CLOCK
        elif cell.sequential:
            nets = [instance.pins[pin] for pin in cell.outputs if pin in instance.pins]
            signals = [netlist.signal_of[net] for net in nets if net in netlist.signal_of]
            block[name] = _of_signal(signals)
    of_port = {net: _of_port(port.name) for port in netlist.ports for net in port.nets}

    def outputs(name: str) -> list[str]:
        instance = instances[name]
        pins = library.cells[instance.cell].outputs
        return [instance.pins[pin] for pin in pins if pin in instance.pins]

    # From sinks to drivers: a gate gets its block when every sink of it has one.
    gates = [name for name in instances if name not in block]
    drives = {name: outputs(name) for name in gates}
    waiting = {
        name: sum(sink not in block for net in nets for sink in sinks[net])
        for name, nets in drives.items()
    }
    ready = [name for name in gates if waiting[name] == 0]
    while ready:
        name = ready.pop()
        votes = Counter(block[sink] for net in drives[name] for sink in sinks[net])
        votes.update(of_port[net] for net in drives[name] if net in of_port)
        block[name] = max(votes, key=lambda part: (votes[part], part), default=REGISTERS)
        for net in instances[name].pins.values():
            source = driver.get(net)
            if source in waiting and source != name:
                waiting[source] -= 1
                if waiting[source] == 0:
                    ready.append(source)
    return block


def _of_signal(signals: list[str]) -> str:
    for signal in sorted(signals, key=lambda name: -name.count(".")):
        own = GROUP.sub("", signal, count=1)
        first = own.split(".")[0].split("[")[0]
        if first in BEAT_PARTS:
            return BEATS
        if own != signal and first in GROUP_PORTS:
            return GROUP_PORTS[first]
        if first in BLOCKS:
            return first
    return _of_port(signals[0]) if signals else REGISTERS


def _of_port(name: str) -> str:
    return next((block for start, block in PORTS.items() if name.startswith(start)), REGISTERS)
