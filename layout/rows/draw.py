"""Draws a subcircuit from its plan: below the n row, above the p row, lines of nets over both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gaincell.layout.arrays.cell import Pen
from gaincell.layout.arrays.plan import Span, around, on_grid
from gaincell.layout.klayout import db
from gaincell.layout.process import Process
from gaincell.layout.rows.capacitors import draw_capacitors, extent
from gaincell.layout.rows.devices import SUPPLIES, Circuit
from gaincell.layout.rows.lines import spans, terminals, tracks
from gaincell.layout.rows.plan import STEP, Finger, RowsPlan, plan_rows
from gaincell.layout.rows.resistors import MARGIN, WIDTH, draw_resistors
from gaincell.layout.rows.wires import wire

TAP = 410
LINE, PITCH = 280, 420
"""Width and pitch of the lines of metal 2, nm."""
LOWEST = 300
"""Middle of the lowest line, nm: a pad of metal 3 there does not go beyond the outline."""
GROWTH = 500
"""Step in which a part gets higher for its capacitors, nm."""


@dataclass(frozen=True)
class Drawn:
    """A subcircuit as drawn: KLayout's layout and cell, its sides, and each net's line, nm."""

    layout: Any
    cell: Any
    width: int
    height: int
    lines: dict[str, Span]

    @property
    def um2(self) -> float:
        return self.width * self.height / 1e6


@dataclass(frozen=True)
class _Rows:
    """Spans in y of the gates' contacts, edges of the diffusions next to them, and of the well."""

    n_top: int
    n_gate: Span
    p_gate: Span
    p_low: int
    well_low: int
    height: int


def draw_subcircuit(name: str, circuit: Circuit, process: Process) -> Drawn:
    """Draw a part as a cell ``name``; each net has a line of metal 2 with its name.

    A part with large capacitors gets as high and wide as they need.
    """
    plan = plan_rows(circuit.devices, process)
    track = tracks(circuit, plan)
    layout = db().Layout()
    layout.dbu = 1e-3
    pen = Pen(layout.create_cell(name), process)
    y = _rows(plan, max(track.values()) + 1, process)
    lines = {net: around(LOWEST + PITCH * at, LINE) for net, at in track.items()}
    width, height = plan.width, y.height
    if circuit.resistors:
        height = max(height, WIDTH + 2 * MARGIN)
    if circuit.capacitors:
        while extent(circuit.capacitors, height) > max(width, height):
            height += GROWTH
        width = max(width, extent(circuit.capacitors, height))
    pen.box("nwell", Span(0, plan.width), Span(y.well_low, y.height))
    for finger in plan.fingers:
        _draw_finger(pen, finger, y, lines)
    for tap in plan.taps:
        _draw_tap(pen, tap, y, lines)
    _implants(pen, plan, y)
    reached = draw_capacitors(pen, circuit, lines, height)
    beside, right = draw_resistors(pen, circuit, lines, plan.width)
    width = max(width, right)
    whole, ends = Span(0, width), spans([*terminals(plan), *reached, *beside])
    for net, line in lines.items():
        across = whole if net in (*circuit.ports, *SUPPLIES.values()) else ends[net]
        pen.box("m2", across, line)
        pen.label("m2_label", net, across.middle, line.middle)
    pen.box("outline", whole, Span(0, height))
    return Drawn(layout, pen.cell, width, height, lines)


def _rows(plan: RowsPlan, tracks: int, process: Process) -> _Rows:
    nm, cut = process.nm, process.nm("licon.1")
    widest = dict.fromkeys(SUPPLIES, TAP)
    for finger in plan.fingers:
        kind = finger.device.kind
        widest[kind] = max(widest[kind], finger.device.width)
    n_top = EDGE + widest["n"]
    n_gate = Span(n_top + nm("licon.14"), n_top + nm("licon.14") + cut)
    low = n_gate.high + 2 * nm("licon.15") + nm("npc.2")
    p_gate = Span(low, low + cut)
    p_low = p_gate.high + max(nm("licon.14"), nm("licon.9") + nm("psd.5"))
    well_low = p_low - WELL_UNDER_LOW
    height = max(p_low + widest["p"] + EDGE, 2 * LOWEST + (tracks - 1) * PITCH)
    return _Rows(n_top, n_gate, p_gate, p_low, well_low, on_grid(height))


EDGE = 300
"""From the outline to the widest diffusion of a row, nm."""
WELL_UNDER_LOW = 560
"""Well below the p transistors: the layer of low thresholds must lie in it, nm."""
LOW_ROOM = 180
"""Layer of low thresholds around a gate, nm."""


def _draw_finger(pen: Pen, finger: Finger, y: _Rows, lines: dict[str, Span]) -> None:
    nm, cut, device = pen.process.nm, pen.process.nm("licon.1"), finger.device
    below = device.kind == "n"
    diff = Span(y.n_top - device.width, y.n_top) if below else Span(y.p_low, y.p_low + device.width)
    half = cut // 2 + nm("licon.5c")
    pen.box("diff", Span(finger.left - half, finger.right + half), diff)
    gate, contact = around(finger.gate, device.length), y.n_gate if below else y.p_gate
    beyond, above = nm("poly.8"), nm("licon.8a")
    if below:
        pen.box("poly", gate, Span(diff.low - beyond, contact.high + above))
    else:
        pen.box("poly", gate, Span(contact.low - above, diff.high + beyond))
    place = around(finger.gate, cut)
    pen.box("poly", place, contact, nm("licon.8"), above)
    pen.contact("poly", place, contact)
    wire(pen, finger.gate, contact, lines[device.gate])
    if device.low:
        pen.box("lvtn", gate, diff, LOW_ROOM, LOW_ROOM)
    ends = [(finger.left, finger.left_net), (finger.right, finger.right_net)]
    for middle, net in ends[finger.shares :]:
        column = around(middle, cut)
        count = max(1, (diff.size - 2 * nm("licon.5a") + nm("licon.2")) // (cut + nm("licon.2")))
        begin = on_grid(diff.middle - (count * cut + (count - 1) * nm("licon.2")) / 2)
        for each in range(count):
            low = begin + each * (cut + nm("licon.2"))
            pen.contact("diff", column, Span(low, low + cut))
        pen.box("li", column, diff)
        wire(pen, middle, around(diff.middle, cut), lines[net])


def _draw_tap(pen: Pen, middle: int, y: _Rows, lines: dict[str, Span]) -> None:
    cut = pen.process.nm("licon.1")
    for x, low, net in (
        (middle, y.n_top - TAP, "vss"),
        (middle + STEP // 2, y.p_low, "vdd"),
    ):
        contact = around(low + TAP // 2, cut)
        pen.box("tap", around(x, TAP), Span(low, low + TAP))
        pen.contact("diff", around(x, cut), contact)
        wire(pen, x, contact, lines[net])


def _implants(pen: Pen, plan: RowsPlan, y: _Rows) -> None:
    """Both rows in their implant, and the taps, between two borders, in the other one."""
    nm = pen.process.nm
    border = STEP // 2 + 50
    rows = {
        "nsdm": Span(0, y.n_top + nm("nsd.5")),
        "psdm": Span(y.p_low - nm("psd.5"), y.height),
    }
    for own, other, shift in (("nsdm", "psdm", 0), ("psdm", "nsdm", STEP // 2)):
        left = 0
        for tap in plan.taps:
            low = 0 if tap == plan.taps[0] else tap + shift - border
            high = plan.width if tap == plan.taps[-1] else tap + shift + border
            if left < low:  # nothing is left of the first tap
                pen.box(own, Span(left, low), rows[own])
            pen.box(other, Span(low, high), rows[own])
            left = high
