"""Buffers before the inputs that can wait, so that a slow path drives less."""

from dataclasses import dataclass

from gaincell.synth.sizing.circuit import Circuit, Sink
from gaincell.synth.sizing.families import Families
from gaincell.synth.sizing.timer import Timer, Times

WINDOW = 0.05
"""Nets with less slack than this part of the period are relieved."""
SPARE_NS = 0.35
"""Slack, over that of the net, with which an input can wait for a buffer of the slowest library."""
SETUP_NS = 0.2
"""Time before the clock at which a flop surely has its data, in the slowest library."""
LEAST_FF = 3.0
"""Load that must go from a net, in inputs of the buffer."""


@dataclass(frozen=True)
class Relief:
    """Sinks of a net that can wait."""

    net: str
    sinks: list[Sink]


def reliefs(timer: Timer, kinds: Families, times: Times) -> list[Relief]:
    """What a buffer could take from each net of a slow path."""
    circuit = timer.circuit
    pins = circuit.library.cells[kinds.buffers[0]].pins
    own_ff = pins[kinds.buffer_pins[kinds.buffers[0]][0]].capacitance_f * 1e15
    found = []
    for net, sinks in circuit.sinks.items():
        if net in circuit.clocks or net not in circuit.drivers or len(sinks) < 3:
            continue
        slack = times.slack_of(net)
        if slack > WINDOW * times.period_ns:
            continue
        waiting = [sink for sink in sinks if _slack_behind(circuit, sink, times) > slack + SPARE_NS]
        load = sum(_pin_ff(circuit, sink) for sink in waiting)
        wire_ff = timer.wires(net, len(sinks)).load_ff * len(waiting) / len(sinks)
        if 2 <= len(waiting) < len(sinks) and load + wire_ff > LEAST_FF * own_ff:
            found.append(Relief(net, waiting))
    return found


def _slack_behind(circuit: Circuit, sink: Sink, times: Times) -> float:
    """Slack of the paths through a sink, or less."""
    instance = circuit.instances[sink[0]]
    cell = circuit.library.cells[instance.cell]
    if cell.sequential:
        at = 2 * times.place[instance.pins[sink[1]]]
        return times.period_ns - SETUP_NS - float(times.arrival_ns[at : at + 2].max())
    nets = [instance.pins[pin] for pin in cell.outputs if pin in instance.pins]
    return min((times.slack_of(net) for net in nets if net in times.place), default=0.0)


def _pin_ff(circuit: Circuit, sink: Sink) -> float:
    cell = circuit.library.cells[circuit.instances[sink[0]].cell]
    return cell.pins[sink[1]].capacitance_f * 1e15
