"""The figures of a floorplan, and how they are read back from its folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gaincell.config import HeadConfig
from gaincell.layout.deck import DeckResult
from gaincell.layout.results import METRICS
from gaincell.refusals import foreign
from gaincell.tables import is_number, read_json

PICTURE = "head.png"


@dataclass(frozen=True)
class Part:
    """``count`` of a part, and their area in the floorplan, um2.

    low_um2, high_um2 : both ends of the estimate; None: the design has none. A part that is not
        drawn takes the high end.
    one_um : width and height of one drawing
    state : "drawn", "placed" or "estimated, not drawn"
    why : what keeps the part from being drawn
    """

    count: int
    um2: float
    low_um2: float | None
    high_um2: float | None
    one_um: tuple[float, float] | None
    state: str
    why: str


@dataclass(frozen=True, kw_only=True)
class FloorplanMetrics:
    """All numbers of a floorplan; metrics.json holds the same.

    estimates_from, estimates_how : design behind the parts that are not drawn, and the way here
    width_um, height_um, um2 : of the whole head
    free_um2 : what no part takes, as between copies of one
    violations : how often a slice with all its parts, and the DACs, break each rule that they break
    deck : what the official deck found in that slice; None: it was not run
    too_near : places where parts overlap, or are nearer than the rules' largest distance
    other_circuits : parts whose drawing has another circuit than the netlist
    mm2_28nm : the head by the square of the nodes
    mm2_28nm_capacitors_kept : the same, but capacitors do not shrink
    paper_mm2 : the paper's head at 28 nm, with its control
    """

    config: dict[str, Any]
    process: str
    design: str
    estimates_from: str
    estimates_how: str
    not_counted: str
    width_um: float
    height_um: float
    um2: float
    free_um2: float
    parts: dict[str, Part]
    rules: int
    violations: dict[str, int]
    deck: DeckResult | None
    too_near: int
    other_circuits: list[str]
    mm2_28nm: float
    mm2_28nm_capacitors_kept: float
    paper_mm2: float

    @property
    def sides(self) -> str:
        """Width and height in words."""
        return f"{self.width_um / 1e3:.2f} x {self.height_um / 1e3:.2f} mm"

    @property
    def clean(self) -> bool:
        """No check found anything."""
        official = self.deck.violations if self.deck else 0
        return not (self.violations or official or self.too_near or self.other_circuits)


def load_floorplan(folder: Path, config: HeadConfig) -> FloorplanMetrics:
    """What ``gaincell floorplan`` wrote into a folder, for this config.

    Raises
    ------
    ValueError
        The folder has no such figures or no picture, or they are of another config.
    """
    read: dict[str, Any] = read_json(folder / METRICS, "floorplan")
    with foreign(f"{folder} is no folder of gaincell floorplan"):
        parts = {name: Part(**part) for name, part in read["parts"].items()}
        deck = DeckResult(**read["deck"]) if read["deck"] else None
        found = FloorplanMetrics(**(read | {"parts": parts, "deck": deck}))
        numbers = [found.width_um, found.height_um, found.um2, found.free_um2, found.paper_mm2]
        numbers += [found.mm2_28nm, found.mm2_28nm_capacitors_kept]
        numbers += [part.um2 for part in parts.values()]
        if not all(is_number(number) for number in numbers):
            raise ValueError("an area is no number")
    if found.config != config.fields_set():
        raise ValueError(f"floorplan {folder} is of another config: {found.config}")
    if not (folder / PICTURE).is_file():
        raise ValueError(f"floorplan {folder} has no {PICTURE}")
    return found
