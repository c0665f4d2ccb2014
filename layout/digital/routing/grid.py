"""Tracks of four metals, on which wires run, and what may lie side by side on them.

Each metal has one direction. Where a wire changes its metal it has a pad, wider than the wire. Of
the points of a grid, each belongs to one net at most. Pads that lie too near at neighbouring points
claim the gap between these as well, so that nothing else needs to be checked while routes grow.
Distances and enclosures: SkyWater's periphery rules, skywater-pdk.readthedocs.io.
"""

from dataclasses import dataclass

METAL = ("met1", "met2", "met3", "met4")
HALF = (70, 70, 150, 150)
"""Half of a wire's width, nm."""
SPACE = (140, 140, 300, 300)
REACH = ((160, 130), (140, 185), (190, 165), (165, 165))
"""Half of the sides of the largest pad of each metal, nm."""
FIRST_X, PITCH_X, FIRST_Y, PITCH_Y = 230, 460, 170, 340
"""Tracks, nm: those of met2 and met1. met3 and met4 use every other one."""

Box = tuple[int, int, int, int]
"""Left, lower, right and upper edge, nm."""


@dataclass(frozen=True)
class Via:
    """A cut between two metals, square, and the pads below and above: half of their sides, nm."""

    name: str
    cut: int
    below: tuple[int, int]
    above: tuple[int, int]


CONTACT = Via("mcon", 85, (85, 85), (145, 115))
"""Between a cell's own metal, li1, and met1."""
VIAS = (
    Via("via", 75, (160, 130), (130, 160)),
    Via("via2", 100, (140, 185), (165, 165)),
    Via("via3", 100, (190, 165), (165, 165)),
)
"""From each metal to the next."""


class Grid:
    """The points of a core of ``width`` x ``height`` nm, as numbers; ``blocked`` says which not.

    Around the core is a rim of blocked points. Numbers from ``count`` on are gaps: that of point n,
    to the next along a track of met2 or met3, or to the one above it on met1, is ``count`` + n.
    """

    def __init__(self, width: int, height: int) -> None:
        self.nx = (width - FIRST_X) // PITCH_X + 3
        self.ny = (height - FIRST_Y) // PITCH_Y + 3
        self.plane = self.nx * self.ny
        self.count = len(METAL) * self.plane
        self.blocked = bytearray(self.count)
        for layer in range(len(METAL)):
            for j in range(self.ny):
                for i in range(self.nx):
                    rim = i in (0, self.nx - 1) or j in (0, self.ny - 1)
                    none = (layer >= 2 and j % 2 == 0) or (layer == 3 and i % 2 == 0)
                    if rim or none:
                        self.blocked[self.point(layer, i, j)] = 1
        self.gap_step = (self.nx, self.nx, 1, 0)

    def point(self, layer: int, i: int, j: int) -> int:
        return layer * self.plane + j * self.nx + i

    def layer(self, point: int) -> int:
        return point // self.plane

    def at(self, point: int) -> tuple[int, int]:
        """Place of a point, nm."""
        j, i = divmod(point % self.plane, self.nx)
        return FIRST_X + (i - 1) * PITCH_X, FIRST_Y + (j - 1) * PITCH_Y

    def near(self, x: int, y: int) -> tuple[int, int]:
        """Numbers of the nearest tracks."""
        return round((x - FIRST_X) / PITCH_X) + 1, round((y - FIRST_Y) / PITCH_Y) + 1

    def block(self, layer: int, box: Box) -> None:
        """Forbid the points at which a pad would come too near to metal in ``box``."""
        dx, dy = (side + SPACE[layer] for side in REACH[layer])
        i0 = max(0, (box[0] - dx - FIRST_X) // PITCH_X + 2)
        i1 = min(self.nx - 1, -(-(box[2] + dx - FIRST_X) // PITCH_X))
        j0 = max(0, (box[1] - dy - FIRST_Y) // PITCH_Y + 2)
        j1 = min(self.ny - 1, -(-(box[3] + dy - FIRST_Y) // PITCH_Y))
        for j in range(j0, j1 + 1):
            for i in range(i0, i1 + 1):
                self.blocked[self.point(layer, i, j)] = 1

    def pad(self, point: int) -> tuple[int, ...]:
        """The gaps that a pad at a point claims."""
        step = self.gap_step[point // self.plane]
        return (self.count + point, self.count + point - step) if step else ()

    def step(self, one: int, two: int) -> tuple[int, ...]:
        """The gaps that a step of wire or a via between two points claims."""
        if abs(one - two) >= self.plane:
            return self.pad(one) + self.pad(two)
        return (self.count + min(one, two),) if self.layer(one) in (1, 2) else ()
