"""Resize cells: pass by pass, those on slow paths get the size that helps their path most."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gaincell.synth.sizing.arcs import CellArcs
from gaincell.synth.sizing.families import Families
from gaincell.synth.sizing.tables import Floats
from gaincell.synth.sizing.timer import NEVER, Timer, Times

WINDOW = 0.10
"""Paths within this part of the period from the slowest are worked on."""
FOCUS = 0.015
"""A slack of this part of the period makes a path matter less by e."""
AREA_NS = 0.0005
"""Gain that an area as large as that of the smallest flop must bring, ns."""
SLEW_PART = 0.35
"""Delay that a longer transition adds behind a gate, as a part of it."""
MOST = 0.02
"""Instances that a first pass changes, as a part of all."""
FAILURES = 12
"""Passes in a row without a gain that end it."""
PASSES = 60


@dataclass(frozen=True)
class Change:
    """A better cell for an instance, and the nets whose times it changes most."""

    gain_ns: float
    name: str
    cell: str
    nets: tuple[int, ...]

    @property
    def key(self) -> tuple[str, str]:
        return self.name, self.cell


def resize(timer: Timer, kinds: Families, enough_ns: float) -> Times:
    """Resize until no pass shortens the period, or it is ``enough_ns``; return the times.

    A pass makes the best changes of those that share no net. It is taken back if it does not
    help, and the next pass makes fewer.
    """
    times = timer.time()
    most = limit = max(2, round(MOST * len(timer.circuit.instances)))
    failures = done = 0
    failed: set[tuple[str, str]] = set()
    while failures < FAILURES and done < PASSES and times.period_ns > enough_ns:
        done += 1
        changes = [each for each in _changes(timer, kinds, times) if each.key not in failed]
        old = _make(timer, changes, most)
        if not old:
            break
        found = timer.time()
        if _cost(found) < _cost(times):
            times, failures = found, 0
            failed.clear()
            most = min(limit, 2 * most)
        else:
            failed |= {(name, timer.circuit.instances[name].cell) for name in old if most <= 4}
            for name, cell in old.items():
                timer.circuit.resize(name, cell)
            failures, most = failures + 1, max(1, most // 3)
    return times


def _make(timer: Timer, changes: list[Change], most: int) -> dict[str, str]:
    """Make the best ``most`` of the changes that share no net; return the cells before."""
    old: dict[str, str] = {}
    taken: set[int] = set()
    for change in sorted(changes, key=lambda each: -each.gain_ns):
        if len(old) >= most:
            break
        if taken.isdisjoint(change.nets):
            taken.update(change.nets)
            old[change.name] = timer.circuit.instances[change.name].cell
            timer.circuit.resize(change.name, change.cell)
    return old


def _cost(times: Times) -> float:
    """The period, and a little for each net that is nearly as late."""
    focus = FOCUS * times.period_ns
    slack = times.slack_ns[times.arrival_ns > NEVER / 2]
    return times.period_ns + focus * float(np.log(np.exp(-slack / focus).sum()))


def _changes(timer: Timer, kinds: Families, times: Times) -> Iterator[Change]:
    """The best change of each instance that has one."""
    window = WINDOW * times.period_ns
    rows = timer.rows()
    flop_area = min(c.area_um2 for c in timer.circuit.library.cells.values() if c.plain_flop)
    slope = _slopes(timer, times, rows)
    slack = np.minimum(times.slack_ns[0::2], times.slack_ns[1::2])
    clock = np.zeros(len(slack), dtype=bool)
    clock[[times.place[net] for net in timer.circuit.clocks]] = True
    best: dict[str, Change] = {}
    for cell, (names, nets) in rows.items():
        sizes = kinds.sizes.get(cell, ())
        kind = timer.circuit.library.cells[cell]
        if len(sizes) < 2 or kind.gate or kind.latch:
            continue
        timing = timer.arcs.of(cell)
        outputs = [timing.pins.index(pin) for pin in kind.outputs]
        late = slack[nets[:, outputs]].min(axis=1) < window
        slow = np.flatnonzero(late & ~clock[nets[:, outputs]].any(axis=1))
        if not len(slow):
            continue
        nets = nets[slow]
        chosen = [names[at] for at in slow.tolist()]
        ends = sorted({(int(pin), int(edge)) for pin, edge in timing.arcs[:, 2:4]})
        now = _out(timer, timing, nets, times, ends)
        focus = FOCUS * times.period_ns
        spare = [times.slack_ns[2 * nets[:, pin] + edge] for pin, edge in ends]
        matter = np.exp(-np.stack(spare, axis=1) / focus)
        weight = np.exp(-slack[nets] / focus)
        for other in sizes:
            if other == cell:
                continue
            new = timer.arcs.of(other)
            gain = ((now - _out(timer, new, nets, times, ends)) * matter).sum(axis=1)
            extra = new.load_ff - timing.load_ff
            gain = gain - (slope[nets] * extra * weight).sum(axis=1)
            larger = timer.circuit.library.cells[other].area_um2 - kind.area_um2
            gain = gain - AREA_NS * larger / flop_area
            for name, value, own in zip(chosen, gain.tolist(), nets.tolist(), strict=True):
                if value > 1e-4 and (name not in best or value > best[name].gain_ns):
                    best[name] = Change(value, name, other, tuple(own))
    yield from best.values()


def _out(
    timer: Timer, timing: CellArcs, nets: np.ndarray, times: Times, ends: list[tuple[int, int]]
) -> Floats:
    """Time of each instance's output edges ``ends``, plus a part of their transitions."""
    arcs = timing.arcs
    source = 2 * nets[:, arcs[:, 0]] + arcs[:, 1]
    target = 2 * nets[:, arcs[:, 2]] + arcs[:, 3]
    load = times.load_ff[target // 2].ravel()
    slew = times.slew_ns[source].ravel()
    tables = timer.arcs.tables
    shape = source.shape
    delay = tables.at(np.broadcast_to(arcs[:, 4], shape).ravel(), slew, load).reshape(shape)
    after = tables.at(np.broadcast_to(arcs[:, 5], shape).ravel(), slew, load).reshape(shape)
    begin = np.where(timing.launches, 0.0, times.arrival_ns[source])
    when = begin + delay + SLEW_PART * after
    own = [(arcs[:, 2] == pin) & (arcs[:, 3] == edge) for pin, edge in ends]
    return np.stack([when[:, each].max(axis=1) for each in own], axis=1)


def _slopes(timer: Timer, times: Times, rows: dict[str, tuple[list[str], np.ndarray]]) -> Floats:
    """Delay for each fF more on a net, ns, by net."""
    step = 0.5
    slope = np.zeros(len(times.load_ff))
    for cell, (_, nets) in rows.items():
        timing = timer.arcs.of(cell)
        arcs = timing.arcs
        if not len(arcs) or timer.circuit.library.cells[cell].gate:
            continue
        source = 2 * nets[:, arcs[:, 0]] + arcs[:, 1]
        target = nets[:, arcs[:, 2]]
        slew, load = times.slew_ns[source].ravel(), times.load_ff[target].ravel()
        per_ff = np.zeros(source.size)
        for column, part in ((4, 1.0), (5, SLEW_PART)):
            tables = np.broadcast_to(arcs[:, column], source.shape).ravel()
            more = timer.arcs.tables.at(tables, slew, load + step)
            per_ff += part * (more - timer.arcs.tables.at(tables, slew, load)) / step
        np.maximum.at(slope, target.ravel(), per_ff)
    return slope
