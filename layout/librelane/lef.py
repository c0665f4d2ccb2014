"""LEF of the block of arrays: its size, its pins, and where routes must stay out."""

from __future__ import annotations

from collections.abc import Mapping

from gaincell.layout.floorplan.arrays import SUPPLIES, ArraysPlan, Rect

CLEAR = 400
"""Distance of an obstruction from a pin of its layer, nm: more than any rule of its metals asks."""
BLOCKED = ("li1", "met1", "met3")
"""Layers without pins: they are blocked as a whole."""
NM = 1e3


def arrays_lef(name: str, plan: ArraysPlan, directions: Mapping[str, str]) -> str:
    """LEF 5.7 of macro ``name``; ``directions`` are those of the bits, as the macro sees them."""
    lines = ["VERSION 5.7 ;", 'BUSBITCHARS "[]" ;', 'DIVIDERCHAR "/" ;', f"MACRO {name}"]
    lines += ["  CLASS BLOCK ;", f"  FOREIGN {name} 0 0 ;", "  ORIGIN 0 0 ;"]
    lines.append(f"  SIZE {_um(plan.width)} BY {_um(plan.height)} ;")
    for pin in plan.pins:
        lines += _pin(pin.name, directions[pin.name].upper(), "SIGNAL", "met2", [pin])
    for supply, use in zip(SUPPLIES, ("POWER", "GROUND"), strict=True):
        own = [strap for strap in plan.straps if strap.name == supply]
        lines += _pin(supply, "INOUT", use, "met4", own)
    lines.append("  OBS")
    for layer in BLOCKED:
        lines += _layer(layer, [Rect("", 0, 0, plan.width, plan.height)])
    above = plan.pins[0].high + CLEAR
    lines += _layer("met2", [Rect("", 0, above, plan.width, plan.height)])
    lines += _layer("met4", _between(plan))
    return "\n".join([*lines, "  END", f"END {name}", "END LIBRARY", ""])


def _between(plan: ArraysPlan) -> list[Rect]:
    """What lies between the straps and below them, at a distance."""
    found, left = [], 0
    for strap in sorted(plan.straps, key=lambda strap: strap.left):
        found.append(Rect("", left, 0, strap.left - CLEAR, plan.height))
        found.append(Rect("", strap.left - CLEAR, 0, strap.right + CLEAR, strap.low - CLEAR))
        left = strap.right + CLEAR
    return [*found, Rect("", left, 0, plan.width, plan.height)]


def _pin(name: str, direction: str, use: str, layer: str, shapes: list[Rect]) -> list[str]:
    begin = [f"  PIN {name}", f"    DIRECTION {direction} ;", f"    USE {use} ;", "    PORT"]
    return [*begin, *_layer(layer, shapes, "      "), "    END", f"  END {name}"]


def _layer(layer: str, shapes: list[Rect], margin: str = "    ") -> list[str]:
    return [f"{margin}LAYER {layer} ;"] + [
        f"{margin}  RECT {_um(each.left)} {_um(each.low)} {_um(each.right)} {_um(each.high)} ;"
        for each in shapes
    ]


def _um(nm: int) -> str:
    return f"{nm / NM:.3f}"
