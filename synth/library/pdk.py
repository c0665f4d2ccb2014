"""Find the library to map to: from the command line, below PDK_ROOT, or the built-in estimate."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from gaincell.synth.library.cells import Library
from gaincell.synth.library.generic import write_generic
from gaincell.synth.library.liberty_file import NotALibrary, load_library

PDK_LIBERTY = (
    "sky130A/libs.ref/sky130_fd_sc_hd/lib/sky130_fd_sc_hd__tt_025C_1v80.lib",
    "ihp-sg13g2/libs.ref/sg13g2_stdcell/lib/sg13g2_stdcell_typ_1p20V_25C.lib",
    "gf180mcuD/libs.ref/gf180mcu_fd_sc_mcu7t5v0/lib/gf180mcu_fd_sc_mcu7t5v0__tt_025C_5v00.lib",
    "gf180mcuC/libs.ref/gf180mcu_fd_sc_mcu7t5v0/lib/gf180mcu_fd_sc_mcu7t5v0__tt_025C_5v00.lib",
)
"""Typical corners below PDK_ROOT, as ``ciel enable`` lays the open PDKs out; preferred first."""


def find_library(
    liberty: Path | None, say: Callable[[str], None] = lambda line: None
) -> tuple[Library, bool]:
    """The library to map to, and whether it is only the built-in estimate.

    ``liberty`` wins; then what PDK_ROOT holds; then the estimate. ``say`` is told when a file
    takes long to read.

    Raises
    ------
    NotALibrary
        The file is not usable, or PDK_ROOT is set to a folder without a known library.
    """
    if liberty is not None:
        return load_library(liberty, say), False
    root = os.environ.get("PDK_ROOT")
    if root:
        for place in PDK_LIBERTY:
            if (Path(root) / place).is_file():
                return load_library(Path(root) / place, say), False
        known = ", ".join(place.split("/")[0] for place in PDK_LIBERTY)
        raise NotALibrary(
            f"PDK_ROOT is {root}, but holds none of {known} as ciel lays them out; "
            "give --liberty, or unset PDK_ROOT for an estimate"
        )
    return generic_library(), True


def generic_library() -> Library:
    """The built-in estimate of a library."""
    with tempfile.TemporaryDirectory(prefix="gaincell-generic-") as folder:
        path = Path(folder) / "generic.lib"
        write_generic(path)
        return load_library(path)
