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
        came = point - back.get(point, point)
        moves = []
        if layer == 1:
            if j > low:
                moves.append((point - nx, PITCH_Y + price[count + point - nx], i, j - 1, 1))
            if j < high:
                moves.append((point + nx, PITCH_Y + price[count + point], i, j + 1, 1))
        elif layer == 3:
            if j > low + 1:
                moves.append((point - 2 * nx, 2.0 * PITCH_Y, i, j - 2, 3))
            if j < high - 1:
                moves.append((point + 2 * nx, 2.0 * PITCH_Y, i, j + 2, 3))
        else:
            wire = PITCH_X if layer else LOW * PITCH_X
            if i > left:
                along = wire + price[count + point - 1] if layer else wire
                moves.append((point - 1, along, i - 1, j, layer))
            if i < right:
                along = wire + price[count + point] if layer else wire
                moves.append((point + 1, along, i + 1, j, layer))
        pads = None
        for to, allowed in ((point + plane, layer < 3), (point - plane, layer > 0)):
            if not allowed or blocked[to] or (layer == 2 and abs(came) == plane):
                continue
            if pads is None:
                pads = VIA + sum(price[gap] for gap in grid.pad(point))
            on = to // plane
            moves.append((to, pads + sum(price[gap] for gap in grid.pad(to)), i, j, on))
        for to, extra, i, j, on in moves:
            if blocked[to]:
                continue
            new = cost + extra + price[to]
            if to in goals:
                new += goals[to]
            if new < best.get(to, infinity):
                best[to] = new
                back[to] = point
                heappush(heap, (new + rest(i, j, on), -new, to))
    return None
