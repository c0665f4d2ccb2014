"""Read Liberty files into a ``Library``: plain or compressed, one or several that make one."""

import codecs
import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gaincell.refusals import foreign
from gaincell.synth.library.cells import Cell, Library
from gaincell.synth.library.liberty_cells import CellReader, Notes
from gaincell.synth.library.liberty_merge import merged, operating_point
from gaincell.synth.library.liberty_text import Group, parse
from gaincell.synth.library.liberty_tools import ToolText
from gaincell.synth.library.liberty_use import (
    reason_left_out,
    reason_unmappable,
    reason_unusable,
)
from gaincell.synth.library.units import rescale

GZIP = b"\x1f\x8b"
MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
"""Byte order marks, and the encodings that they tell."""


class NotALibrary(ValueError):
    """A file is no Liberty file, or lacks what synthesis needs."""


def load_library(*paths: Path, node_nm: float | None = None) -> Library:
    """Read ``paths``, each plain or compressed with gzip, as one library.

    Parameters
    ----------
    node_nm : float, optional
        Technology node, nm, which no Liberty file tells.

    Raises
    ------
    NotALibrary
        A file cannot be read, is no Liberty file, does not fit to the others, or there is no flop
        that synthesis can use.
    """
    trees, assumed = [], []
    for path in paths:
        for tree in _trees(path):
            with _refused(f"--liberty {path} is no Liberty file that can be read"):
                assumed += rescale(tree)
            tree.args = [tree.name or path.name.split(".")[0]]
            trees.append((path.name, tree))
    files = ", ".join(map(str, paths))
    with _refused(f"--liberty {files}"):
        whole, cautions = merged(trees)
    with _refused(f"--liberty {files} is no Liberty file that can be read"):
        library = _library(whole, [tree.name for _, tree in trees], node_nm, assumed + cautions)
    if not any(cell.plain_flop for cell in library.cells.values()):
        raise NotALibrary(
            f"--liberty {files} has no rising-edge flop whose next state is an input, "
            f"but every register is mapped to one{library.left_out}"
        )
    return library


def _library(whole: Group, names: list[str], node_nm: float | None, cautions: list[str]) -> Library:
    notes = Notes()
    reader, tools = CellReader(whole, notes), ToolText(whole)
    cells: dict[str, Cell] = {}
    unusable: list[str] = []
    for group in whole.groups("cell"):
        reason = reason_unusable(group)
        if not reason:
            try:
                cell = reader.read(group)
                reason = reason_left_out(cell)
                if not reason and (unmappable := reason_unmappable(group)):
                    raise ValueError(unmappable)
                if not reason:
                    tools.add(group)
            except ValueError as error:
                reason = str(error)
                notes.add(f"left out, as {reason}", group.name)
        if reason:
            unusable.append(group.name)
        else:
            cells[group.name] = cell
    corner, voltage_v, temperature_c = operating_point(whole)
    if voltage_v is None:
        cautions = [*cautions, "no supply voltage is stated: switched nets count no power"]
    distinct = list(dict.fromkeys(names))
    return Library(
        name=distinct[0] if len(distinct) == 1 else f"{distinct[0]} and {len(distinct) - 1} more",
        corner=corner,
        voltage_v=voltage_v or 0.0,
        temperature_c=25.0 if temperature_c is None else temperature_c,
        node_nm=node_nm,
        cells=cells,
        transition_s=_typical_transition_s(cells),
        text=tools.text(),
        unusable=tuple(unusable),
        cautions=(*dict.fromkeys(cautions), *notes.sentences()),
        has_ties=any(map(_is_tie, whole.groups("cell"))),
    )


def _is_tie(cell: Group) -> bool:
    return any(pin.text("function").strip("() ") in ("0", "1") for pin in cell.groups("pin"))


def _typical_transition_s(cells: dict[str, Cell]) -> float:
    """A third of the way along the transitions of the first table that has some; 0 without."""
    tables = (
        table.transition_s
        for cell in cells.values()
        for pin in cell.pins.values()
        for energy in pin.energies
        for table in energy.tables
    )
    first = next((points for points in tables if len(points) > 2), None)
    return 0.0 if first is None else float(first[len(first) // 3])


def _trees(path: Path) -> list[Group]:
    """The library groups of a file, as they stand."""
    text = _text(path)
    fault = f"--liberty {path} is no Liberty file"
    if "\0" in text:
        raise NotALibrary(f"{fault}: it holds binary data")
    if not re.search(r"\blibrary\s*\(", text, re.IGNORECASE):
        raise NotALibrary(f"{fault}: it has no library (...) group")
    with _refused(f"{fault} that can be read"):
        groups = parse(text, _Includes(path.parent))
    found = [group for group in groups if isinstance(group, Group) and group.kind == "library"]
    if not found:
        raise NotALibrary(f"{fault}: it has no library (...) group")
    return found


class _Includes:
    """Gives the text of included files, which lie beside the file that names them."""

    MOST = 100

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, 0

    def __call__(self, name: str) -> str:
        self._count += 1
        if self._count > self.MOST:
            raise ValueError(f"more than {self.MOST} files are included: {name} includes itself")
        return _text(self._folder / name)


def _text(path: Path) -> str:
    """The text of a file, with \n at the ends of its lines.

    Raises
    ------
    NotALibrary
        It cannot be read.
    """
    with _refused(""), foreign(f"--liberty {path} cannot be read"):
        raw = path.read_bytes()
    if raw.startswith(GZIP):
        fault = f"--liberty {path} cannot be read, as the compressed data are damaged"
        with _refused(""), foreign(fault):
            raw = gzip.decompress(raw)
    encoding = next((code for mark, code in MARKS.items() if raw.startswith(mark)), "latin-1")
    text = raw.decode(encoding, errors="replace").removeprefix("\ufeff")
    return text.replace("\r\n", "\n").replace("\r", "\n")


@contextmanager
def _refused(fault: str) -> Iterator[None]:
    """Raise NotALibrary, ``fault`` and the reason, for a ValueError of the block."""
    try:
        yield
    except NotALibrary:
        raise
    except ValueError as error:
        raise NotALibrary(f"{fault}: {error}" if fault else str(error)) from error
