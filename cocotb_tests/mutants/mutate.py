"""Mutants of a head's Verilog: one expression of one component changed.

The generated Verilog has one operation on each line, so that a line is all there is to understand.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np

OPERAND = r"(?:\$signed\(\w+(?:\[[\d:]+\])?\)|\{[^{}]*\}|[\w']+(?:\[[\d:]+\])?)"
ASSIGN = re.compile(r"  assign (\S+) = (.*);")
BINARY = re.compile(rf"({OPERAND}) ([-+*&|^]|[=!<>]=|<|>) ({OPERAND})")
UNARY = re.compile(rf"([~!|]) ({OPERAND})")
CHOICE = re.compile(rf"({OPERAND}) \? ({OPERAND}) : ({OPERAND})")
CONSTANT = re.compile(r"(\d+)'([hd])([0-9a-f]+)")
DECLARED = re.compile(r"  (input|output|wire|reg) (?:\[(\d+):0\] )?(\w+);")
CONDITION = re.compile(r"    if \((\w+)\)")
STORED = re.compile(r"      (\S+\[.*\]) <= (\w+);")
CONNECTED = re.compile(r"    \.(\w+)\((\S+)\),?")
INSTANCE = re.compile(r"  (gaincell_head_\w+) \w+ \(")
OTHER_OPERATORS = {
    "&": ("|",),
    "|": ("&",),
    "^": ("|",),
    "+": ("-",),
    "-": ("+",),
    "*": (),
    "==": ("!=",),
    "!=": ("==",),
    "<": ("<=",),
    ">": (">=",),
    "<=": ("<",),
    ">=": (">",),
}
PLUSARG = "mutant"
SELECT = f"""\
  reg [15:0] mutant;
  initial if (!$value$plusargs("{PLUSARG}=%d", mutant)) mutant = 0;
"""


@dataclass(frozen=True)
class Mutant:
    """One changed expression.

    number : 1 or above, what ``+mutant=`` selects in ``with_all``; 0 is the head itself
    component : name of its module, without the head's
    place : index of its line in the Verilog
    old, new : the expression, in Verilog
    width : bits of it
    """

    number: int
    component: str
    place: int
    line: str
    old: str
    new: str
    width: int

    def __str__(self) -> str:
        return f"{self.component}: {self.line.strip()} becomes {self.new}"


def mutants_of(verilog: str) -> list[Mutant]:
    """Every mutant of a head's Verilog, numbered from 1."""
    found: list[Mutant] = []
    inputs = _inputs_of_modules(verilog)
    for component, place, line, widths, instance in _lines(verilog):
        for old, new, width in _changes(line, widths, inputs.get(instance, {})):
            if new != old:
                found.append(Mutant(len(found) + 1, component, place, line, old, new, width))
    return found


def draw_mutants(
    verilog: str, count: int, seed: int, components: Collection[str] | None = None
) -> list[Mutant]:
    """``count`` of ``mutants_of``, evenly over the components, numbered from 1 in their order.

    ``components`` : of these only; by default of all
    """
    rng = np.random.default_rng(seed)
    by_component: dict[str, list[Mutant]] = {}
    for mutant in mutants_of(verilog):
        if components is None or mutant.component in components:
            by_component.setdefault(mutant.component, []).append(mutant)
    piles = [list(rng.permutation(np.array(own, dtype=object))) for own in by_component.values()]
    drawn: list[Mutant] = []
    while len(drawn) < count and any(piles):
        drawn += [pile.pop() for pile in piles if pile]
    chosen = sorted(drawn[:count], key=lambda mutant: mutant.number)
    return [replace(mutant, number=number) for number, mutant in enumerate(chosen, 1)]


def with_one(verilog: str, mutant: Mutant) -> str:
    """The Verilog of one mutant."""
    lines = verilog.split("\n")
    lines[mutant.place] = _replaced(mutant.line, mutant.old, mutant.new)
    return "\n".join(lines)


def with_all(verilog: str, mutants: list[Mutant]) -> str:
    """Verilog that is each of ``mutants``: ``+mutant=NUMBER`` on the command line selects it."""
    at: dict[int, list[Mutant]] = {}
    for mutant in mutants:
        at.setdefault(mutant.place, []).append(mutant)
    changed = {mutant.component for mutant in mutants}
    lines, component, head_is_open = [], "", False
    for place, line in enumerate(verilog.split("\n")):
        if line.startswith("module "):
            component, head_is_open = _component(line), True
        lines += _selected(place, line, at[place]) if place in at else [line]
        if head_is_open and line.endswith(");"):
            head_is_open = False
            if component in changed:
                lines.append(SELECT)
    return "\n".join(lines)


def _selected(place: int, line: str, mutants: list[Mutant]) -> list[str]:
    """The lines for a line with mutants."""
    if not ASSIGN.fullmatch(line):
        old = mutants[0].old
        chosen = " : ".join(f"mutant == {each.number} ? {each.new}" for each in mutants)
        return [_replaced(line, old, f"({chosen} : {old})")]
    # Each expression has a wire of its own: widths and signs of one do not reach the others.
    old, width = mutants[0].old, mutants[0].width
    wires = [f"  wire [{width - 1}:0] kept_{place} = {old};"]
    chosen = ""
    for each in mutants:
        wires.append(f"  wire [{width - 1}:0] changed_{each.number} = {each.new};")
        chosen += f"mutant == {each.number} ? changed_{each.number} : "
    return [*wires, f"{line.partition(' = ')[0]} = {chosen}kept_{place};"]


def _replaced(line: str, old: str, new: str) -> str:
    """``line`` with its last ``old`` replaced."""
    before, _, behind = line.rpartition(old)
    return before + new + behind


def _lines(verilog: str) -> Iterator[tuple[str, int, str, dict[str, int], str]]:
    """Component, index, text, widths of names, and module of the instance of each line."""
    component, instance, in_function = "", "", False
    widths: dict[str, int] = {}
    for place, line in enumerate(verilog.split("\n")):
        if line.startswith("module "):
            component, widths = _component(line), {}
        elif line.startswith(("  function", "  endfunction")):
            in_function = line.startswith("  function")
        elif found := DECLARED.fullmatch(line):
            widths[found[3]] = int(found[2] or 0) + 1
        elif found := INSTANCE.fullmatch(line):
            instance = found[1]
        elif line == "  );":
            instance = ""
        elif component and not in_function:
            yield component, place, line, widths, instance


def _component(line: str) -> str:
    name = line.removeprefix("module ").partition("(")[0]
    return name.removeprefix("gaincell_").removeprefix("head_")


def _inputs_of_modules(verilog: str) -> dict[str, dict[str, int]]:
    """Widths of the inputs of each module by name."""
    inputs: dict[str, dict[str, int]] = {}
    module = ""
    for line in verilog.split("\n"):
        if line.startswith("module "):
            module = line.removeprefix("module ").partition("(")[0]
        elif (found := DECLARED.fullmatch(line)) and found[1] == "input":
            inputs.setdefault(module, {})[found[3]] = int(found[2] or 0) + 1
    return inputs


def _changes(
    line: str, widths: dict[str, int], inputs: dict[str, int]
) -> Iterator[tuple[str, str, int]]:
    """Old and new expression and their width, for each change of a line."""
    if found := ASSIGN.fullmatch(line):
        target, old = found.groups()
        width = _width(target, widths)
        changes = [*_of_operation(old), *_of_value(old, width)]
        yield from ((old, new, width) for new in dict.fromkeys(changes))
    elif found := CONDITION.fullmatch(line):
        old = found[1]
        yield from ((old, new, 1) for new in ("1'b0", "1'b1", f"~{old}"))
    elif found := STORED.fullmatch(line):
        old = found[2]
        yield from ((old, new, 1) for new in ("1'b0", "1'b1", f"~{old}"))
    elif (found := CONNECTED.fullmatch(line)) and found[1] in inputs and found[1] != "clk":
        old, width = found[2], inputs[found[1]]
        ones = f"{width}'h{(1 << width) - 1:x}"
        yield from ((old, new, width) for new in (f"{width}'h0", ones))


def _of_operation(old: str) -> Iterator[str]:
    """The wrong operator, an operand alone, operands swapped, a constant off by one."""
    if found := CHOICE.fullmatch(old):
        condition, yes, no = found.groups()
        yield from (f"{condition} ? {no} : {yes}", yes, no)
        yield from (f"{condition} ? {each} : {no}" for each in _off_by_one(yes))
        yield from (f"{condition} ? {yes} : {each}" for each in _off_by_one(no))
    elif found := BINARY.fullmatch(old):
        left, operator, right = found.groups()
        yield from (f"{left} {other} {right}" for other in OTHER_OPERATORS[operator])
        yield from (f"{left} {operator} {each}" for each in _off_by_one(right))
        if operator in "&|^+-*":
            yield from (left, right)
        elif not CONSTANT.fullmatch(right):
            yield f"{right} {operator} {left}"
    elif found := UNARY.fullmatch(old):
        operator, operand = found.groups()
        yield {"~": operand, "!": f"| {operand}", "|": f"! {operand}"}[operator]


def _of_value(old: str, width: int) -> Iterator[str]:
    """Stuck at zero, stuck at one, one bit inverted."""
    yield f"{width}'h0"
    yield f"{width}'h{(1 << width) - 1:x}"
    for bit in dict.fromkeys((0, width // 2, width - 1)):
        yield f"({old}) ^ {width}'h{1 << bit:x}"


def _off_by_one(operand: str) -> Iterator[str]:
    if found := CONSTANT.fullmatch(operand):
        width, value = int(found[1]), int(found[3], 16 if found[2] == "h" else 10)
        for other in dict.fromkeys(((value + 1) % (1 << width), (value - 1) % (1 << width))):
            yield f"{width}'h{other:x}"


def _width(target: str, widths: dict[str, int]) -> int:
    """Bits of what an assignment drives: a name, or a part of it."""
    name, _, part = target.removesuffix("]").partition("[")
    if not part:
        return widths[name]
    high, _, low = part.partition(":")
    return int(high) - int(low or high) + 1
