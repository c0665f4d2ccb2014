"""Reads a design: a folder with ``design.toml``, its levels and sizes, and ``netlist.sp``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from gaincell.spice.code_levels import CodeLevels
from gaincell.spice.model_files import ModelFile, models
from gaincell.spice.netlist import Netlist, read_netlist
from gaincell.tables import Table, build, is_number, number, read_toml, shown, string, whole

FOLDER = Path(__file__).parent / "designs"
SETTINGS, NETLIST = "design.toml", "netlist.sp"
MOST_V = 100.0


@dataclass(frozen=True, kw_only=True)
class Levels(CodeLevels, Table):
    """Table ``[design]`` of design.toml: what the netlist does not say."""

    about: str = string()
    """One sentence."""
    node_nm: float = number(above=0, unit="nm")
    """Technology node, nm."""
    models: str = string()
    """"freepdk45", "sky130", or a file, relative to the design's folder."""
    corner: str = string("tt")
    """Corner; of a file of models its section. "none": the file has no sections."""
    mismatch_corner: str | None = string(None)
    """Corner with local statistics; without it thresholds vary by ``a_vt_mv_um``."""
    a_vt_mv_um: float = number(2.5, low=0, most=MOST_V, unit="mV um")
    """Assumed spread of a threshold, mV, times sqrt(width length), um; see docs."""
    unit_m: float = number(1.0, above=0, unit="m")
    """The netlist's unit of length, m."""
    diffusion: float = number(0.0, low=0)
    """Length of source and drain areas, in the netlist's unit of length; 0: lines have areas."""
    temperature_c: float = number(27.0, low=-273, high=300, unit="C")
    """Temperature, degrees Celsius."""

    cell_v: float = number(above=0, most=MOST_V, unit="V")
    """Supply of the cells and their word lines, V."""
    logic_v: float = number(above=0, most=MOST_V, unit="V")
    """Supply of converters and references, V."""
    full_scale_v: float = number(above=0, most=MOST_V, unit="V")
    """Voltage that the largest code writes, V; code 0 writes ``lowest_v``."""
    lowest_v: float = number(0.0, low=0, most=MOST_V, unit="V")
    """Voltage that code 0 writes, V."""
    write_on_v: float = number(above=0, most=MOST_V, unit="V")
    """Write word line while it writes, V."""
    write_off_v: float = number(0.0, most=MOST_V, unit="V")
    """Write word line otherwise, V."""
    bit_line_v: float = number(low=0, most=MOST_V, unit="V")
    """``vmid``, to which reset takes a bit line before a read, V."""
    clock_s: float = number(1e-9, above=0, unit="s")
    """A step of a query pulse, s."""
    write_cycles: int = whole(10, low=1, high=1000)
    """Clocks of a write."""
    reset_cycles: int = whole(2, low=1, high=1000)
    """Clocks of a reset."""
    late_cycles: int = whole(2, low=0, high=100)
    """Clocks of OUT before the first sample: delay of the signed converter less half a clock."""
    conv_clocks: float = number(0.55, above=0, most=100)
    """From the end of a read to where a converter's pulse may begin, clocks: its answer is there by
    then."""
    query_bits: int = whole(4, low=1, high=8)
    """Bits of a query: a full pulse has 2^bits - 1 steps."""
    code_bits: int = whole(3, low=1, high=8)
    """Bits of a stored code."""
    columns: int = whole(64, low=1, high=1024)
    """Cells on a bit line."""
    cells_on_row: int = whole(1024, low=1, high=1 << 16)
    """Cells that a write bit line and its DAC serve."""
    row_f: float = number(0.0, low=0, unit="F")
    """Wire of a write bit line per cell, F."""
    row_ohm: float = number(0.0, low=0, unit="Ohm")
    """Resistance of a write bit line per cell, Ohm."""
    line_f: float = number(0.0, low=0, unit="F")
    """Wire of a word line per cell, F, each of the two."""
    line_ohm: float = number(0.0, low=0, unit="Ohm")
    """Resistance of a word line per cell, Ohm, each of the two."""
    bit_ohm: float = number(0.0, low=0, unit="Ohm")
    """Resistance of a bit line per cell, Ohm."""
    write_line_f: float = number(0.0, low=0, unit="F")
    """Wire of a write word line per cell, F."""


@dataclass(frozen=True)
class Design:
    """A design as read: levels, sizes, netlist."""

    name: str
    folder: Path
    levels: Levels
    sizes: Mapping[str, float]
    netlist: Netlist
    sha256: str

    @cached_property
    def models(self) -> ModelFile:
        """The models of its corner. Raises ValueError if they are not there."""
        return self.models_of(self.levels.corner)

    def models_of(self, corner: str) -> ModelFile:
        """The models of any corner."""
        named = "" if corner == "none" else corner
        return models(self.levels.models, named, self.netlist.models, self.folder)

    def at(self, **levels: Any) -> Design:
        """The same design at other levels, such as a temperature or a corner."""
        return replace(self, levels=replace(self.levels, **levels))


def shipped_designs() -> list[str]:
    """Names of the designs that come with gaincell."""
    return sorted(path.parent.name for path in FOLDER.glob(f"*/{SETTINGS}"))


def load_design(source: str | Path) -> Design:
    """A shipped design by its name, or the one in a folder.

    Raises
    ------
    TypeError, ValueError
        Neither, or a file of it is wrong: the message says which and how.
    """
    shipped = shipped_designs()
    folder = FOLDER / str(source) if str(source) in shipped else Path(source)
    settings, netlist = folder / SETTINGS, folder / NETLIST
    if not settings.is_file():
        names = ", ".join(shipped)
        raise ValueError(f'design "{source}" is neither {names} nor a folder with {SETTINGS}')
    table = read_toml(settings, "design")
    where = f"design {settings}"
    try:
        levels = build(Levels, table.pop("design", {}), "design")
        sizes = _sizes(table.pop("sizes", {}))
        if table:
            raise ValueError(f"unknown table {shown(next(iter(table)))}; known: design, sizes")
    except (TypeError, ValueError) as error:
        raise type(error)(f"{where}: {error}") from error
    read = read_netlist(netlist)
    digest = hashlib.sha256(settings.read_bytes() + netlist.read_bytes()).hexdigest()
    return Design(folder.resolve().name, folder, levels, sizes, read, digest)


def _sizes(table: object) -> dict[str, float]:
    if not isinstance(table, dict):
        raise TypeError(f"sizes is {shown(table)}, but must be a table [sizes]")
    for key, value in table.items():
        if not is_number(value):
            raise TypeError(f"[sizes] {key} is {shown(value)}, but must be a number")
    return {key: float(value) for key, value in table.items()}
