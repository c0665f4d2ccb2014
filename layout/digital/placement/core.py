"""The core: rows of sites, and places in it."""

from dataclasses import dataclass

Places = dict[str, tuple[float, float]]
"""Lower left corner of each instance, or place of each port's bit, um."""


@dataclass(frozen=True)
class Core:
    """Rows of sites."""

    rows: int
    sites: int
    row_um: float
    site_um: float

    @property
    def width_um(self) -> float:
        return self.sites * self.site_um

    @property
    def height_um(self) -> float:
        return self.rows * self.row_um
