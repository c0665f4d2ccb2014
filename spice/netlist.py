"""Reads a design's subcircuits and completes them: junction areas, and copies with mismatch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gaincell.refusals import foreign
from gaincell.tables import nearest

LEVELS = tuple(f"t{code}" for code in range(8))
"""Levels that the ladder of a 3-bit DAC gives, by code."""
PORTS: Mapping[str, tuple[str, ...]] = {
    "cell": ("bl", "wl", "wlb", "wbl", "wwl", "s", "vdd", "vss"),
    "references": ("vbp", "vbn", "vdd", "vss"),
    "buffer": ("a", "y", "vdd", "vss"),
    "line_driver": ("a", "wl", "wlb", "vdd", "vss"),
    "write_ladder": ("go", *LEVELS, "vdd", "vss"),
    "write_select": (
        *(*LEVELS, "b0", "b0b", "b1", "b1b", "b2", "b2b"),
        *("go", "gob", "wbl", "vdd", "vss"),
    ),
    "score_converter": (
        *("bl", "reset", "resetb", "conv", "hold", "holdb", "gate"),
        *("pulse", "done", "vbp", "vmid", "vdd", "vss"),
    ),
    "output_converter": (
        *("bl", "reset", "resetb", "conv", "hold", "holdb", "steer"),
        *("gatep", "gaten", "pulse", "sign", "done", "vbp", "vbn", "vmid", "vdd", "vss"),
    ),
}
"""The port contract: subcircuits of a design, by name, and their ports in order."""
NEEDED = ("cell",)
"""Subcircuits without which nothing can be simulated."""


@dataclass(frozen=True)
class Device:
    """A transistor of a subcircuit.

    line : as the netlist has it
    model : name of its model or of its models' subcircuit
    width, length, copies : expressions of the netlist, in its own unit of length
    """

    line: str
    model: str
    width: str
    length: str
    copies: str


@dataclass(frozen=True)
class Netlist:
    """Subcircuits of a design, each as its lines between ``.subckt`` and ``.ends``."""

    bodies: Mapping[str, tuple[str, ...]]
    ports: Mapping[str, tuple[str, ...]]

    def has(self, name: str) -> bool:
        """Whether the design has this subcircuit of ``PORTS``."""
        return name in self.bodies

    def devices(self, name: str) -> list[Device]:
        """Transistors of a subcircuit, in their order; those of inner subcircuits are not."""
        return [device for line in self.bodies[name] if (device := _device(line)) is not None]

    def inner(self, name: str) -> list[str]:
        """Names of the subcircuits of this netlist that a subcircuit uses, with repetitions."""
        last = (line.split()[-1].lower() for line in self.bodies[name] if line[0] in "xX")
        return [word for word in last if word in self.bodies]

    def transistors(self, name: str) -> int:
        """Transistors of a subcircuit and of all in it."""
        return len(self.devices(name)) + sum(self.transistors(each) for each in self.inner(name))

    @property
    def models(self) -> tuple[str, ...]:
        """Names of all models, each once."""
        names = {device.model for name in self.bodies for device in self.devices(name)}
        return tuple(sorted(names))

    def text(self, diffusion: float) -> str:
        """All subcircuits for a deck, each transistor with its junction areas.

        ``diffusion`` is the length of a source or drain, in the netlist's unit; 0: lines
        have areas.
        """
        lines = []
        for name, body in self.bodies.items():
            whole = [_completed(line, diffusion) for line in body]
            lines += _subcircuit(name, self.ports[name], whole)
        return "\n".join(lines)

    def varied(self, name: str, copy: str, diffusion: float, rng: np.random.Generator) -> str:
        """A copy ``<name>_<copy>`` whose transistors, inner ones too, have their own thresholds.

        The shift of each is normal with deviation a_vt / sqrt(width length), a_vt in the deck.
        """
        lines: list[str] = []
        inner: list[str] = []
        for line in self.bodies[name]:
            device = _device(line)
            if device is not None:
                area = f"(({device.width})*({device.length})*({device.copies}))"
                shift = f" delvto={{{rng.standard_normal():.6f}*a_vt/sqrt{area}}}"
                lines.append(_completed(line, diffusion) + shift)
                continue
            *rest, last = line.split()
            if line[0] in "xX" and last.lower() in self.bodies:
                each = f"{copy}_{rest[0]}"
                inner.append(self.varied(last.lower(), each, diffusion, rng))
                line = " ".join([*rest, f"{last}_{each}"])
            lines.append(line)
        own = _subcircuit(f"{name}_{copy}", self.ports[name], lines)
        return "\n".join([*inner, *own])


def read_netlist(path: Path) -> Netlist:
    """The netlist in a file.

    Raises
    ------
    ValueError
        It cannot be read, lacks a subcircuit of ``NEEDED``, or the ports of one in ``PORTS`` are
        not those of the contract.
    """
    with foreign(f"netlist {path} cannot be read"):
        text = path.read_text(encoding="utf-8")
    bodies: dict[str, tuple[str, ...]] = {}
    ports: dict[str, tuple[str, ...]] = {}
    for name, names, body in _subcircuits(text, path):
        bodies[name], ports[name] = body, names
    for name in NEEDED:
        if name not in bodies:
            near = nearest(name, bodies, 0.5)
            raise ValueError(f"netlist {path} has no subcircuit {name}{near}")
    for name, must_be in PORTS.items():
        if name in bodies and ports[name] != must_be:
            raise ValueError(
                f"netlist {path}: subcircuit {name} has the ports {' '.join(ports[name])}, but "
                f"must have {' '.join(must_be)}"
            )
    return Netlist(bodies, ports)


def _subcircuits(text: str, path: Path) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    name, names, body = "", (), []  # type: str, tuple[str, ...], list[str]
    for line in _logical_lines(text):
        words = line.lower().split()
        if words[0] == ".subckt":
            if name or len(words) < 2:
                raise ValueError(f'netlist {path}: "{line}" opens a subcircuit inside another one')
            name, names, body = words[1], tuple(words[2:]), []
        elif words[0] == ".ends":
            if not name:
                raise ValueError(f'netlist {path}: "{line}" ends no subcircuit')
            yield name, names, tuple(body)
            name = ""
        elif name:
            body.append(line)
        else:
            raise ValueError(f'netlist {path}: "{line}" stands outside a subcircuit')
    if name:
        raise ValueError(f"netlist {path}: subcircuit {name} has no .ends")


def _logical_lines(text: str) -> list[str]:
    """Lines without comments, each with its continuations."""
    lines: list[str] = []
    for raw in text.splitlines():
        line = re.sub(r"\s[$;].*", "", raw).strip()
        if not line or line.startswith("*"):
            continue
        if line.startswith("+") and lines:
            lines[-1] += f" {line[1:].strip()}"
        else:
            lines.append(line)
    return lines


def _device(line: str) -> Device | None:
    """The transistor in a line: an M, or an X with a width and a length."""
    words = line.split()
    settings = dict(word.lower().split("=", 1) for word in words if "=" in word)
    if line[0] not in "mMxX" or not {"w", "l"} <= settings.keys():
        return None
    model = next(word for word in reversed(words) if "=" not in word)
    # Without braces an expression can be part of another one.
    width, length = (settings[key].strip("{}'") for key in ("w", "l"))
    return Device(line, model, width, length, settings.get("m", "1").strip("{}'"))


def _completed(line: str, diffusion: float) -> str:
    """A line of a deck: a transistor with its junction areas.

    A model that is a subcircuit needs an m of its own: else ngspice drops that of the calls above.
    """
    device = _device(line)
    if device is None:
        return line
    if line[0] in "xX" and " m=" not in line.lower():
        line = f"{line} m=1"
    if not diffusion or " ad=" in line.lower():
        return line
    area = f"{{({device.width})*{diffusion:g}}}"
    edge = f"{{2*(({device.width})+{diffusion:g})}}"
    return f"{line} ad={area} as={area} pd={edge} ps={edge}"


def _subcircuit(name: str, ports: tuple[str, ...], body: list[str]) -> list[str]:
    return [f".subckt {name} {' '.join(ports)}", *body, f".ends {name}"]
