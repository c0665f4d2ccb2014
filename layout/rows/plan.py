"""Places of transistors in two rows: n below, p above, each terminal on a column of its own.

Columns are ``COLUMN`` apart; n transistors have the even ones, p transistors the odd ones. So a
wire of metal 1 can go from each terminal to the line of metal 2 of its net, and meets no other.
Parts of a folded transistor share the column between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gaincell.layout.process import Process
from gaincell.layout.rows.devices import SUPPLIES, Device

COLUMN = 400
STEP = 2 * COLUMN
"""From a column of a row to the next one, nm."""
WIDEST = 3000
"""Wider transistors are folded, nm."""
TAP_REACH = 24_000
"""Length of a row between two taps, nm: no diffusion is 15 um away from one."""


@dataclass(frozen=True)
class Finger:
    """A transistor, or a part of one.

    left, gate, right : middles of its contacts, nm
    left_net, right_net : what they carry: source and drain, or the other way round
    shares : the part to the left has the same contact
    """

    device: Device
    left: int
    gate: int
    right: int
    left_net: str
    right_net: str
    shares: bool


@dataclass(frozen=True)
class RowsPlan:
    """Fingers of both rows, middles of the columns of taps of the n row, and the width, nm."""

    fingers: tuple[Finger, ...]
    taps: tuple[int, ...]
    width: int


def plan_rows(devices: Sequence[Device], process: Process) -> RowsPlan:
    """Fold wide transistors, and put all from left to right, a tap before each ``TAP_REACH``."""
    room = process.nm("licon.11") + process.nm("licon.1") // 2
    queues = {kind: list(_folded(devices, kind, room, process.grid_nm)) for kind in SUPPLIES}
    at = STEP
    taps: list[int] = []
    fingers: list[Finger] = []
    while any(queues.values()) or not taps:
        taps.append(at)
        begin = at + 2 * STEP
        ends = [begin]
        for kind, queue in queues.items():
            place, first = begin if kind == "n" else begin + COLUMN, True
            while queue:
                parts = queue[0]
                steps = _steps(parts[0], room)
                right = place + 2 * steps * STEP * len(parts)
                if right > begin + TAP_REACH and not first:
                    break
                fingers += _fingers(queue.pop(0), place, steps * STEP)
                ends.append(right)
                place, first = right + STEP, False
        at = -(-max(ends) // STEP) * STEP + 2 * STEP
    taps.append(at)
    return RowsPlan(tuple(fingers), tuple(taps), at + STEP + COLUMN)


def _fingers(parts: Sequence[Device], place: int, half: int) -> Iterator[Finger]:
    """Parts of one transistor side by side; every other one is turned round."""
    for at, part in enumerate(parts):
        nets = part.source, part.drain
        left, right = nets if at % 2 == 0 else nets[::-1]
        yield Finger(part, place, place + half, place + 2 * half, left, right, at > 0)
        place += 2 * half


def _steps(device: Device, room: int) -> int:
    """Columns of a row from the middle of a gate to those of its source and drain."""
    return -(-(device.length // 2 + room) // STEP)


def _folded(devices: Sequence[Device], kind: str, room: int, grid: int) -> Iterator[list[Device]]:
    """Each transistor of a kind in parts of ``WIDEST`` at most, as even as the grid lets them.

    There are no more parts side by side than fit between two taps.
    """
    for device in devices:
        if device.kind == kind:
            count = -(-device.width // WIDEST)
            most = max(1, TAP_REACH // (2 * _steps(device, room) * STEP))
            steps, more = divmod(device.width // grid, count)
            parts = [replace(device, width=(steps + (at < more)) * grid) for at in range(count)]
            yield from (parts[begin : begin + most] for begin in range(0, count, most))
