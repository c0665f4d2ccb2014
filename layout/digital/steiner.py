"""Trees of wire: how a net's pins are joined by horizontal and vertical pieces."""

from dataclasses import dataclass

Point = tuple[float, float]


@dataclass(frozen=True)
class Tree:
    """``points`` begin with the pins, the driver first; of each other one, ``parent`` is the next
    point towards the driver."""

    points: tuple[Point, ...]
    parent: tuple[int, ...]

    @property
    def lengths_um(self) -> tuple[float, ...]:
        """Length of the piece from each point to its parent; 0 for the driver."""
        return tuple(_apart(self.points[at], self.points[up]) for at, up in enumerate(self.parent))

    @property
    def length_um(self) -> float:
        return sum(self.lengths_um)


def steiner_tree(pins: list[Point]) -> Tree:
    """A short tree: each pin, the nearest first, joins where it comes nearest to the tree.

    A pin joins the bounding box of a piece: the piece then bends there (Prim's tree with Steiner
    points). It is 0 to 10 % longer than the shortest.
    """
    points, parent = list(pins), [0] * len(pins)
    open_pins = set(range(1, len(pins)))
    # Of each open pin: distance to the tree, the piece that it joins, and where.
    near = {at: (_apart(pins[at], pins[0]), 0, pins[0]) for at in open_pins}
    while open_pins:
        at = min(open_pins, key=lambda each: near[each])
        open_pins.remove(at)
        _, piece, where = near[at]
        new = [at]
        if where in (points[piece], points[parent[piece]]):
            up = piece if where == points[piece] else parent[piece]
        else:
            up = len(points)
            points.append(where)
            parent.append(parent[piece])
            parent[piece] = up
            new += [up, piece]
        parent[at] = up
        for other in open_pins:
            best = near[other]
            if best[1] == piece and len(new) > 1:  # that piece was cut: look at its parts
                best = (float("inf"), 0, pins[0])
            for each in new:
                found = _joined(pins[other], points[each], points[parent[each]])
                best = min(best, (_apart(pins[other], found), each, found))
            near[other] = best
    return Tree(tuple(points), tuple(parent))


def _joined(pin: Point, one: Point, two: Point) -> Point:
    """The point of the box between two points that is nearest to ``pin``."""
    return (
        sorted((one[0], pin[0], two[0]))[1],
        sorted((one[1], pin[1], two[1]))[1],
    )


def _apart(one: Point, two: Point) -> float:
    return abs(one[0] - two[0]) + abs(one[1] - two[1])
