"""Compares a drawn part with its circuit. Each net has a label, so nets are told apart by names."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import Any

from gaincell.layout.arrays.extract import CAPACITOR, LOW, RESISTOR, extract
from gaincell.layout.process import Process
from gaincell.layout.rows.devices import SUPPLIES, Circuit
from gaincell.layout.rows.resistors import end_ohm, tap_ohm

NM_PER_UM = 1e3
CLOSE = 5e-3
"""Part by which capacitances and resistances may differ: sides have whole steps of the grid."""

Transistors = Counter[tuple[str, str, frozenset[str], str, int]]
"""Width, nm, by model, gate, ends, bulk and length: parallel transistors count as one."""
Values = dict[frozenset[str], float]
"""Capacitance, F, or resistance, Ohm, by nets."""


def same_circuit(cell: Any, process: Process, circuit: Circuit) -> bool:
    """Whether a drawing has this circuit: nets by name, kinds and sizes must agree.

    Folded transistors count as one of the sum of their widths. Capacitances and resistances agree
    within ``CLOSE``.
    """
    transistors, capacitors, resistors = _drawn(cell, process)
    wanted: Transistors = Counter()
    for each in circuit.devices:
        ends, bulk = frozenset((each.drain, each.source)), SUPPLIES[each.kind]
        wanted[each.kind + LOW * each.low, each.gate, ends, bulk, each.length] += each.width
    farads: Values = defaultdict(float)
    for plates in circuit.capacitors:
        farads[frozenset((plates.upper, plates.lower))] += plates.farads
    ohms = {frozenset((each.first, each.second)): each.ohms for each in circuit.resistors}
    return (
        transistors == wanted
        and _alike(capacitors, farads)
        and len(ohms) == len(circuit.resistors)
        and _alike(_with_taps(resistors, process), ohms)
    )


def _alike(drawn: Values, wanted: Values) -> bool:
    return drawn.keys() == wanted.keys() and all(
        math.isclose(value, drawn[nets], rel_tol=CLOSE) for nets, value in wanted.items()
    )


def _with_taps(bodies: Values, process: Process) -> Values:
    """Resistances from tap to tap: of bodies, of half a tap at both sides, and of end contacts."""
    count = Counter(net for nets in bodies for net in nets)
    return {
        nets: ohms + tap_ohm(process) + end_ohm(process) * sum(count[net] == 1 for net in nets)
        for nets, ohms in bodies.items()
    }


def _drawn(cell: Any, process: Process) -> tuple[Transistors, Values, Values]:
    extracted = extract(cell, process)  # owns its netlist
    transistors: Transistors = Counter()
    capacitors: Values = defaultdict(float)
    resistors: Values = defaultdict(float)
    for device in extracted.netlist().circuit_by_name(cell.name).each_device():
        model = device.device_class().name

        def net(terminal: str, device: Any = device) -> str:
            joined = device.net_for_terminal(terminal)
            return joined.expanded_name() if joined is not None else ""

        if model in (CAPACITOR, RESISTOR):
            found, value = (capacitors, "C") if model == CAPACITOR else (resistors, "R")
            found[frozenset((net("A"), net("B")))] += device.parameter(value)
            continue
        width, length = (round(device.parameter(name) * NM_PER_UM) for name in "WL")
        transistors[model, net("G"), frozenset((net("D"), net("S"))), net("B"), length] += width
    return transistors, capacitors, resistors
