"""Reads a process: its layers, its rules and its wires' capacitances, from a TOML file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gaincell.tables import read_toml

FOLDER = Path(__file__).parent / "processes"


@dataclass(frozen=True)
class Rule:
    """A rule of the process.

    kind : one of ``gaincell.layout.checks.KINDS``
    of, other : layers, or derived ones; ``other`` is "" where the rule is of one layer
    nm : least distance, nm, or least area, nm2
    """

    kind: str
    of: str
    other: str
    nm: int


@dataclass(frozen=True)
class Wire:
    """Capacitance of a layer to the substrate: ``area``, F/m2, and ``edge``, F/m."""

    area: float
    edge: float


@dataclass(frozen=True)
class Between:
    """Capacitance of two layers: ``area``, F/m2, and of the edges of either, F/m."""

    area: float
    upper: float
    lower: float = 0.0


@dataclass(frozen=True)
class Beside:
    """Capacitance of neighbours on a layer: ``farads`` (F m) / (distance + ``more``), F/m."""

    farads: float
    more: float


@dataclass(frozen=True)
class Process:
    """A process as read.

    layers : GDS layer and datatype by name
    design : the shipped design that is drawn unless another one is named
    lef : layers by the names that LEF gives metals
    derived : layers made of two others, "a & b", "a | b" or "a - b", in order
    wires, between, beside : capacitances of layers to the substrate, of pairs of layers, upper
        first, and of neighbours on a layer
    sheets : resistance of layers, Ohm per square
    poly_contact_ohm : of one contact on poly
    """

    name: str
    design: str
    node_nm: float
    grid_nm: int
    layers: Mapping[str, tuple[int, int]]
    lef: Mapping[str, str]
    derived: Mapping[str, str]
    rules: Mapping[str, Rule]
    wires: Mapping[str, Wire]
    between: Mapping[tuple[str, str], Between]
    beside: Mapping[str, Beside]
    sheets: Mapping[str, float]
    poly_contact_ohm: float

    def gds(self, layer: str) -> tuple[int, int]:
        """GDS layer and datatype of a metal or cut by its name in LEF."""
        return self.layers[self.lef.get(layer, layer)]

    def check_node(self, design: str, node_nm: float) -> None:
        """Raise ValueError unless a design of this name is at the process's node."""
        if node_nm != self.node_nm:
            raise ValueError(
                f"design {design} is at {node_nm:g} nm, but process {self.name} at "
                f"{self.node_nm:g} nm"
            )

    def on_grid(self, nm: float, whose: str) -> int:
        """A size in whole nm; ValueError, which says ``whose`` it is, if it is off the grid."""
        steps = round(nm / self.grid_nm)
        if not math.isclose(steps * self.grid_nm, nm, abs_tol=1e-3):
            raise ValueError(
                f"{whose} has a size of {nm:g} nm, but {self.name} has a grid of {self.grid_nm} nm"
            )
        return steps * self.grid_nm

    def nm(self, *rules: str) -> int:
        """The largest distance that these rules ask for, nm."""
        return max(self.rules[rule].nm for rule in rules)


@cache
def load_process(name: str) -> Process:
    """A process by its name.

    Raises
    ------
    ValueError
        There is none of this name; the message names those there are.
    """
    names = processes()
    if name not in names:
        raise ValueError(f'process is "{name}", but must be {" or ".join(names)}')
    table: dict[str, Any] = read_toml(FOLDER / f"{name}.toml", "process")
    rules = {
        key: Rule(rule["kind"], rule["of"], rule.get("from", ""), rule.get("nm", 0))
        for key, rule in table["rules"].items()
    }
    return Process(
        name=name,
        design=table["design"],
        node_nm=table["node_nm"],
        grid_nm=table["grid_nm"],
        layers=MappingProxyType({key: tuple(pair) for key, pair in table["layers"].items()}),
        lef=MappingProxyType(table["lef"]),
        derived=MappingProxyType(table["derived"]),
        rules=MappingProxyType(rules),
        wires=MappingProxyType({key: Wire(**each) for key, each in table["wires"].items()}),
        between=MappingProxyType(
            {_pair(key): Between(**each) for key, each in table["between"].items()}
        ),
        beside=MappingProxyType({key: Beside(**each) for key, each in table["beside"].items()}),
        sheets=MappingProxyType(table["sheets"]),
        poly_contact_ohm=table["poly_contact_ohm"],
    )


def _pair(names: str) -> tuple[str, str]:
    upper, lower = names.split()
    return upper, lower


def processes() -> list[str]:
    """Names of the processes."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))
