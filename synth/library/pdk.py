"""Find the library to map to: from the command line, below PDK_ROOT, or the built-in estimate."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from gaincell.synth.library import generic
from gaincell.synth.library.cells import Library
from gaincell.synth.library.liberty_file import NotALibrary, load_library

PDK_LIBERTY = (
    "sky130A/libs.ref/sky130_fd_sc_hd/lib/sky130_fd_sc_hd__tt_025C_1v80.lib",
    "ihp-sg13g2/libs.ref/sg13g2_stdcell/lib/sg13g2_stdcell_typ_1p20V_25C.lib",
    "gf180mcuD/libs.ref/gf180mcu_fd_sc_mcu7t5v0/lib/gf180mcu_fd_sc_mcu7t5v0__tt_025C_5v00.lib",
    "gf180mcuC/libs.ref/gf180mcu_fd_sc_mcu7t5v0/lib/gf180mcu_fd_sc_mcu7t5v0__tt_025C_5v00.lib",
)
"""Typical corners below PDK_ROOT, as ``ciel enable`` lays the open PDKs out; preferred first."""
PDK_NODE_NM = {
    "sky130A": 130,
    "sky130B": 130,
    "ihp-sg13g2": 130,
    "gf180mcuA": 180,
    "gf180mcuB": 180,
    "gf180mcuC": 180,
    "gf180mcuD": 180,
}
"""Technology node of everything in a folder of PDK_ROOT."""


def find_library(
    liberty: Sequence[Path] = (), node_nm: float | None = None
) -> tuple[Library, bool]:
    """The library to map to, and whether it is only the built-in estimate.

    The files of ``liberty``, which make one library, win; then what PDK_ROOT holds; then the
    estimate. ``node_nm`` is the technology node of the files. Without it, the node is known of
    files below PDK_ROOT only: a name is no source.

    Raises
    ------
    NotALibrary
        A file is not usable, or PDK_ROOT is set to a folder without a known library.
    """
    root = os.environ.get("PDK_ROOT")
    if liberty:
        nodes = {_node_nm(path, root) for path in liberty}
        known = nodes.pop() if len(nodes) == 1 else None
        return load_library(*liberty, node_nm=known if node_nm is None else node_nm), False
    if root:
        for place in PDK_LIBERTY:
            path = Path(root) / place
            if path.is_file():
                found = _node_nm(path, root) if node_nm is None else node_nm
                return load_library(path, node_nm=found), False
        known_names = ", ".join(place.split("/")[0] for place in PDK_LIBERTY)
        raise NotALibrary(
            f"PDK_ROOT is {root}, but holds none of {known_names} as ciel lays them out; "
            "give --liberty, or unset PDK_ROOT for an estimate"
        )
    return generic_library(), True


def generic_library() -> Library:
    """The built-in estimate of a library."""
    with tempfile.TemporaryDirectory(prefix="gaincell-generic-") as folder:
        path = Path(folder) / "generic.lib"
        generic.write_generic(path)
        return load_library(path, node_nm=generic.NODE_NM)


def _node_nm(path: Path, root: str | None) -> float | None:
    """The node of a file's PDK; None: it is not below ``root``, or in no PDK that is known."""
    place = path.absolute()
    if not root or not place.is_relative_to(Path(root).absolute()):
        return None
    return PDK_NODE_NM.get(place.relative_to(Path(root).absolute()).parts[0])
