"""Routed metal in DEF."""

from collections.abc import Iterator, Mapping

from gaincell.layout.digital.files import DefMetal
from gaincell.layout.digital.routing.grid import (
    CONTACT,
    FIRST_X,
    FIRST_Y,
    METAL,
    PITCH_X,
    PITCH_Y,
    VIAS,
    Box,
    Grid,
)
from gaincell.layout.digital.routing.metal import ABOVE, BELOW, NetMetal
from gaincell.layout.digital.routing.route import Routed
from gaincell.layout.digital.routing.straps import HALF_STRAP, SUPPLIES, Straps


def def_metal(routed: Routed, metal: Mapping[str, NetMetal]) -> DefMetal:
    """All metal of a routed head."""
    return DefMetal(
        head=(*_tracks(routed.grid), *_vias()),
        supplies=tuple(_supplies(routed.straps)),
        ports={net: _port(*each.port) for net, each in metal.items() if each.port},
        nets={net: _routed(each) for net, each in metal.items()},
    )


def _tracks(grid: Grid) -> Iterator[str]:
    """The tracks of each metal."""
    for layer, metal in enumerate(METAL):
        way, first, pitch, count = (
            ("X", FIRST_X, PITCH_X, grid.nx - 2)
            if layer % 2
            else ("Y", FIRST_Y, PITCH_Y, grid.ny - 2)
        )
        every = 2 if layer >= 2 else 1
        many = (count + every - 1) // every
        yield f"TRACKS {way} {first} DO {many} STEP {every * pitch} LAYER {metal} ;"


def _vias() -> Iterator[str]:
    """The vias of all routes."""
    yield f"VIAS {1 + len(VIAS)} ;"
    for via in (CONTACT, *VIAS):
        shapes = (
            (BELOW[via.name], via.below),
            (via.name, (via.cut, via.cut)),
            (ABOVE[via.name], via.above),
        )
        rects = " ".join(f"+ RECT {layer} ( {-x} {-y} ) ( {x} {y} )" for layer, (x, y) in shapes)
        yield f"- {via.name}_pad {rects} ;"
    yield "END VIAS"


def _routed(metal: NetMetal) -> str:
    """The wires of a net, to stand behind its pins."""
    parts = [
        f"{layer} ( {x0} {y0} ) ( {x1 if x1 != x0 else '*'} {y1 if y1 != y0 else '*'} )"
        for layer, x0, y0, x1, y1 in metal.segments
    ]
    parts += [f"{BELOW[cut]} ( {x} {y} ) {cut}_pad" for cut, x, y in metal.vias]
    parts += [
        f"{layer} ( {left} {low} ) RECT ( 0 0 {right - left} {high - low} )"
        for layer, (left, low, right, high) in metal.boxes
    ]
    return " + ROUTED " + " NEW ".join(parts) if parts else ""


def _port(metal: str, box: Box) -> str:
    """Box and place of a port; it is placed at the box's lower left corner."""
    left, low, right, high = box
    return f"{metal} ( 0 0 ) ( {right - left} {high - low} ) + PLACED ( {left} {low} ) N"


def _supplies(straps: Straps) -> Iterator[str]:
    """The straps, and what joins them to the rails, as special nets."""
    yield f"SPECIALNETS {len(SUPPLIES)} ;"
    uses: Mapping[str, str] = {"VGND": "GROUND", "VPWR": "POWER"}
    for supply in SUPPLIES:
        parts = []
        for layer, (left, low, right, high) in straps.of(supply):
            if layer == METAL[-1]:
                x = (left + right) // 2
                parts.append(f"{layer} {2 * HALF_STRAP} + SHAPE STRIPE ( {x} {low} ) ( * {high} )")
        rects = " ".join(
            f"+ RECT {layer} ( {left} {low} ) ( {right} {high} )"
            for layer, (left, low, right, high) in straps.of(supply)
            if layer != METAL[-1]
        )
        stripes = " + ROUTED " + " NEW ".join(parts)
        yield f"- {supply} ( * {supply} ) {rects}{stripes} + USE {uses[supply]} ;"
    yield "END SPECIALNETS"
