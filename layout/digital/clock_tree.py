"""The clock tree: each flop behind as many stages as every other."""

from collections.abc import Mapping

from gaincell.layout.digital.technology import Technology
from gaincell.synth.sizing.circuit import Circuit, Sink
from gaincell.synth.sizing.families import Families

LEAF_SINKS = 16
"""Flops of one buffer."""
STEM_SINKS = 10
"""Buffers of one buffer."""
LEAF, STEM, ROOT = "clkbuf_8", "clkbuf_16", "clkbuf_16"

Point = tuple[float, float]


def grow_clock_tree(
    circuit: Circuit, kinds: Families, technology: Technology, at: dict[str, Point]
) -> list[str]:
    """Give every clock net its buffers; ``at`` gets their places. Returns their names.

    A flop's clock comes through a leaf, a stem and a root, and before them through a clock gate or,
    where nothing gates it, through one more root: as many stages for all.
    """
    made: list[str] = []

    def drive(net: str, sinks: list[Sink], kind: str, most: int) -> list[Sink]:
        cell = f"{technology.name}__{kind}"
        pins = kinds.buffer_pins[cell]
        new: list[Sink] = []
        for group in _groups(sinks, at, most):
            name = circuit.buffer(net, group, cell, pins)
            at[name] = middle([at[each] for each, _ in group])
            new.append((name, pins[0]))
        made.extend(name for name, _ in new)
        return new

    gates = set()
    for name, instance in list(circuit.instances.items()):
        if circuit.library.cells[instance.cell].gate:
            gates.add(name)
            circuit.resize(name, kinds.sizes[instance.cell][-1])
    for net in sorted(circuit.clocks):
        every = list(circuit.sinks[net])
        flops = [sink for sink in every if sink[0] not in gates]
        if not flops:
            continue
        stems = drive(net, drive(net, flops, LEAF, LEAF_SINKS), STEM, STEM_SINKS)
        roots = drive(net, stems, ROOT, STEM_SINKS)
        if net not in circuit.drivers:
            drive(net, roots, ROOT, STEM_SINKS)
    return made


def _groups(sinks: list[Sink], at: Mapping[str, Point], most: int) -> list[list[Sink]]:
    """``sinks`` in groups of at most so many, by cutting the longer side in the middle."""
    if len(sinks) <= most:
        return [sinks]
    xs, ys = zip(*(at[name] for name, _ in sinks), strict=True)
    side = 0 if max(xs) - min(xs) > max(ys) - min(ys) else 1
    ordered = sorted(sinks, key=lambda sink: (at[sink[0]][side], sink))
    groups = -(-len(sinks) // most)
    cut = len(sinks) * (groups // 2) // groups
    return _groups(ordered[:cut], at, most) + _groups(ordered[cut:], at, most)


def middle(points: list[Point]) -> Point:
    """The mean of points."""
    xs, ys = zip(*points, strict=True)
    return sum(xs) / len(xs), sum(ys) / len(ys)
