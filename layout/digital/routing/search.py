"""The cheapest way from a net's wires to a pin (A*)."""

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush

from gaincell.layout.digital.routing.grid import PITCH_X, PITCH_Y, Grid

VIA = 800
"""What a via costs, as so many nm of wire."""
LOW = 1.25
"""What wire costs on met1, which pins need, over that of the others."""

Window = tuple[int, int, int, int]
"""First and last track, in x and in y, that a search may use."""


def cheapest(
    grid: Grid,
    price: Sequence[float],
    starts: Mapping[int, float],
    goals: Mapping[int, float],
    window: Window,
) -> list[int] | None:
    """Points from a start to a goal; None: there is no way within the window.

    Parameters
    ----------
    price : what each point and gap costs besides length
    starts, goals : what it costs to begin or to end there

    A wire of met3 that is a mere pad would be too small: no via leads on from where one came.
    """
    nx, plane, count, blocked = grid.nx, grid.plane, grid.count, grid.blocked
    left, right, low, high = window
    columns = [goal % plane % nx for goal in goals]
    lines = [goal % plane // nx for goal in goals]
    goal_left, goal_right, goal_low, goal_high = (
        *(min(columns), max(columns)),
        *(min(lines), max(lines)),
    )
    ground = min(goals) // plane
    top = max(goals) // plane

    def rest(i: int, j: int, layer: int) -> float:
        """No way is shorter than this."""
        dx = goal_left - i if i < goal_left else i - goal_right if i > goal_right else 0
        dy = goal_low - j if j < goal_low else j - goal_high if j > goal_high else 0
        vias = layer - top if layer > top else ground - layer if layer < ground else 0
        if dy and layer == top == 0:
            vias = 2
        return dx * PITCH_X + dy * PITCH_Y + vias * VIA

    heap: list[tuple[float, float, int]] = []
    best: dict[int, float] = {}
    back: dict[int, int] = {}
    for point, cost in starts.items():
        j, i = divmod(point % plane, nx)
        best[point] = cost
        heappush(heap, (cost + rest(i, j, point // plane), -cost, point))
    infinity = float("inf")
    steps = grid.gap_step
    while heap:
        _, minus, point = heappop(heap)
        cost = -minus
        if cost > best[point]:
            continue
        if point in goals:
            way = [point]
            while point in back:
                point = back[point]
                way.append(point)
            return way[::-1]
        layer = point // plane
        j, i = divmod(point - layer * plane, nx)
        gap = count + point
        moves = []
        if layer == 1:
            if j > low and not blocked[point - nx]:
                moves.append((point - nx, PITCH_Y + price[gap - nx]))
            if j < high and not blocked[point + nx]:
                moves.append((point + nx, PITCH_Y + price[gap]))
        elif layer == 2:
            if i > left and not blocked[point - 1]:
                moves.append((point - 1, PITCH_X + price[gap - 1]))
            if i < right and not blocked[point + 1]:
                moves.append((point + 1, PITCH_X + price[gap]))
        elif layer == 0:
            if i > left and not blocked[point - 1]:
                moves.append((point - 1, LOW * PITCH_X))
            if i < right and not blocked[point + 1]:
                moves.append((point + 1, LOW * PITCH_X))
        else:
            if j > low + 1 and not blocked[point - 2 * nx]:
                moves.append((point - 2 * nx, 2.0 * PITCH_Y))
            if j < high - 1 and not blocked[point + 2 * nx]:
                moves.append((point + 2 * nx, 2.0 * PITCH_Y))
        if layer != 2 or abs(point - back.get(point, point)) != plane:
            step = steps[layer]
            via = VIA + (price[gap] + price[gap - step] if step else 0.0)
            if layer < 3 and not blocked[point + plane]:
                to, step = point + plane, steps[layer + 1]
                pad = price[count + to] + price[count + to - step] if step else 0.0
                moves.append((to, via + pad))
            if layer and not blocked[point - plane]:
                to, step = point - plane, steps[layer - 1]
                moves.append((to, via + price[count + to] + price[count + to - step]))
        for to, extra in moves:
            new = cost + extra + price[to]
            if to in goals:
                new += goals[to]
            if new < best.get(to, infinity):
                best[to] = new
                back[to] = point
                on = to // plane
                j, i = divmod(to - on * plane, nx)
                heappush(heap, (new + rest(i, j, on), -new, to))
    return None
