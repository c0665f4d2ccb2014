"""And-inverter graphs: AIGER files, and bit-parallel runs of many patterns at once.

A literal is twice the number of a variable, plus 1 if inverted; 0 is false, 1 is true. Variables
are the inputs, then the latches, then the gates, each from literals before it.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path


class Graph:
    """Gates between ``inputs`` and ``latches``, both by number; latches are zero at first.

    nexts : the literal of each latch in the next cycle
    outputs : literals
    """

    def __init__(self, inputs: int, latches: int) -> None:
        self.inputs = inputs
        self.nexts = [0] * latches
        self.outputs: list[int] = []
        self.gates: list[tuple[int, int]] = []
        self._known: dict[tuple[int, int], int] = {}

    @property
    def first_gate(self) -> int:
        """Variable of the first gate."""
        return 1 + self.inputs + len(self.nexts)

    def latch(self, number: int) -> int:
        """The literal of a latch."""
        return 2 * (1 + self.inputs + number)

    def both(self, left: int, right: int) -> int:
        """The literal of ``left & right``."""
        left, right = sorted((left, right))
        if left == 0 or left == right ^ 1:
            return 0
        if left == 1 or left == right:
            return right
        if (left, right) not in self._known:
            self._known[left, right] = 2 * (self.first_gate + len(self.gates))
            self.gates.append((right, left))
        return self._known[left, right]

    def either(self, left: int, right: int) -> int:
        """The literal of ``left | right``."""
        return self.both(left ^ 1, right ^ 1) ^ 1

    def differ(self, left: int, right: int) -> int:
        """The literal of ``left ^ right``."""
        return self.either(self.both(left, right ^ 1), self.both(left ^ 1, right))

    def run(self, frames: Iterable[list[int]], ones: int) -> Iterator[tuple[list[int], list[int]]]:
        """Latches and outputs in each cycle, from one number of all patterns for each input."""
        values = [0, ones] + [0] * (2 * (self.first_gate + len(self.gates)) - 2)
        free = 2 * (1 + self.inputs)
        for frame in frames:
            for at, value in enumerate(frame, 1):
                values[2 * at], values[2 * at + 1] = value, value ^ ones
            at = 2 * self.first_gate
            for left, right in self.gates:
                value = values[left] & values[right]
                values[at], values[at + 1] = value, value ^ ones
                at += 2
            yield values[free : 2 * self.first_gate : 2], [values[each] for each in self.outputs]
            for number, value in enumerate([values[each] for each in self.nexts]):
                at = free + 2 * number
                values[at], values[at + 1] = value, value ^ ones

    def copy(self, outputs: list[int], instead: dict[int, int]) -> "Graph":
        """The cone of ``outputs``, with another latch instead of some; inputs and latches stay."""
        needed = set(range(self.first_gate + len(self.gates)))
        graph = self
        for _ in range(2):  # everything, then only what is left in the cone
            new = Graph(self.inputs, len(self.nexts))
            literals = [2 * variable for variable in range(self.first_gate)]
            for latch, other in instead.items():
                literals[self.latch(latch) // 2] = self.latch(other)
            for variable, gate in enumerate(graph.gates, self.first_gate):
                left, right = (literals[each >> 1] ^ each & 1 for each in gate)
                literals.append(new.both(left, right) if variable in needed else 0)
            new.nexts = [
                literals[each >> 1] ^ each & 1 if 1 + self.inputs + latch in needed else 0
                for latch, each in enumerate(graph.nexts)
            ]
            new.outputs = [literals[each >> 1] ^ each & 1 for each in outputs]
            graph, instead, outputs, needed = new, {}, new.outputs, new.cone()
        return graph

    def cone(self) -> set[int]:
        """The variables that the outputs depend on."""
        seen: set[int] = set()
        waiting = [each >> 1 for each in self.outputs]
        while waiting:
            variable = waiting.pop()
            if variable in seen:
                continue
            seen.add(variable)
            if variable >= self.first_gate:
                waiting += [each >> 1 for each in self.gates[variable - self.first_gate]]
            elif variable > self.inputs:
                waiting.append(self.nexts[variable - 1 - self.inputs] >> 1)
        return seen

    def write(self, path: Path) -> None:
        """An AIGER file of all outputs."""
        sizes = (self.inputs, len(self.nexts), len(self.outputs), len(self.gates))
        lines = [f"aig {sum(sizes) - sizes[2]} {' '.join(map(str, sizes))}"]
        lines += map(str, (*self.nexts, *self.outputs))
        packed = bytearray()
        for number, (left, right) in enumerate(self.gates, self.first_gate):
            for value in (2 * number - left, left - right):
                while value > 127:
                    packed.append(value & 127 | 128)
                    value >>= 7
                packed.append(value)
        path.write_bytes("\n".join([*lines, ""]).encode() + packed)


def read_graph(path: Path) -> tuple[Graph, dict[str, int], dict[str, int]]:
    """The graph of an AIGER file, and the numbers of its inputs and its latches by name."""
    data = path.read_bytes()
    inputs, latches, outputs, gates = map(int, data.split(b"\n", 1)[0].split()[2:])
    *lines, rest = data.split(b"\n", 1 + latches + outputs)
    graph = Graph(inputs, latches)
    literals = [int(line.split()[0]) for line in lines[1:]]
    graph.nexts, graph.outputs = literals[:latches], literals[latches:]
    at = 0
    for number in range(graph.first_gate, graph.first_gate + gates):
        literal = 2 * number
        pair = []
        for _ in range(2):
            shift = 0
            while True:
                byte = rest[at]
                literal -= (byte & 127) << shift
                at, shift = at + 1, shift + 7
                if byte < 128:
                    break
            pair.append(literal)
        graph.gates.append((pair[0], pair[1]))
    names: dict[str, dict[str, int]] = {"i": {}, "l": {}, "o": {}}
    symbols = rest[at:].decode()
    for kind, number, all_names in re.findall(r"(?m)^([ilo])(\d+) (.*)$", symbols):
        names[kind] |= dict.fromkeys(all_names.split(), int(number))
    return graph, names["i"], names["l"]
