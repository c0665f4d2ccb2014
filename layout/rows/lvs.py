"""Compares a drawn part with its circuit. Each net has a label, so nets are told apart by names."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import Any

from gaincell.layout.arrays.extract import CAPACITOR, LOW, extract
from gaincell.layout.process import Process
from gaincell.layout.rows.devices import SUPPLIES, Circuit

NM_PER_UM = 1e3
CLOSE = 5e-3
"""Part by which capacitances may differ: plates have whole steps of the grid."""

Transistors = Counter[tuple[str, str, frozenset[str], str, int]]
"""Width, nm, by model, gate, ends, bulk and length: parallel transistors count as one."""
Capacitors = dict[frozenset[str], float]
"""Capacitance, F, by nets."""


def same_circuit(cell: Any, process: Process, circuit: Circuit) -> bool:
    """Whether a drawing has this circuit: nets by name, kinds and sizes must agree.

    Folded transistors count as one of the sum of their widths. Capacitances agree within ``CLOSE``.
    """
    transistors, capacitors = _drawn(cell, process)
    wanted: Transistors = Counter()
    for each in circuit.devices:
        ends, bulk = frozenset((each.drain, each.source)), SUPPLIES[each.kind]
        wanted[each.kind + LOW * each.low, each.gate, ends, bulk, each.length] += each.width
    farads: Capacitors = defaultdict(float)
    for plates in circuit.capacitors:
        farads[frozenset((plates.upper, plates.lower))] += plates.farads
    return (
        transistors == wanted
        and capacitors.keys() == farads.keys()
        and all(
            math.isclose(value, capacitors[nets], rel_tol=CLOSE) for nets, value in farads.items()
        )
    )


def _drawn(cell: Any, process: Process) -> tuple[Transistors, Capacitors]:
    extracted = extract(cell, process)  # owns its netlist
    transistors: Transistors = Counter()
    capacitors: Capacitors = defaultdict(float)
    for device in extracted.netlist().circuit_by_name(cell.name).each_device():
        model = device.device_class().name

        def net(terminal: str, device: Any = device) -> str:
            joined = device.net_for_terminal(terminal)
            return joined.expanded_name() if joined is not None else ""

        if model == CAPACITOR:
            capacitors[frozenset((net("A"), net("B")))] += device.parameter("C")
            continue
        width, length = (round(device.parameter(name) * NM_PER_UM) for name in "WL")
        transistors[model, net("G"), frozenset((net("D"), net("S"))), net("B"), length] += width
    return transistors, capacitors
