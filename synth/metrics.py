"""The schema of metrics.json: each of its keys, with unit and meaning, in one place.

A step of the flow fills the dataclasses, ``as_json`` writes them and ``read_metrics`` reads them.
``rows`` prints the numbers that have a row of their own on the terminal. A new number is a field
here and a value in the step that computes it.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, is_dataclass
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin, get_type_hints

from gaincell.tables import is_number

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

METRICS = "metrics.json"

T = TypeVar("T", bound="DataclassInstance")
NEEDED = object()


def key(
    *,
    absent: Any = NEEDED,
    positive: bool = False,
    omit: bool = False,
    row: str = "",
    text: str = "",
) -> dict[str, Any]:
    """Metadata of a field.

    Parameters
    ----------
    absent : Any, optional
        What to read where a file lacks the key; without it, such a file is refused.
    positive : bool
        The number must be above 0.
    omit : bool
        The file has no such key where the value is None; otherwise it has null.
    row, text : str, optional
        Name and format of the number's own row on the terminal.
    """
    return {"absent": absent, "positive": positive, "omit": omit, "row": row, "text": text}


PLAIN = key()
"""Metadata of a field that has none: the key must be there, with a value of the field's type."""


@dataclass(frozen=True, kw_only=True)
class LibraryCorner:
    """The library of cells, and the corner, that every other number belongs to."""

    name: str
    corner: str
    voltage_v: float = field(metadata=key(positive=True))
    temperature_c: float = field(metadata=key(absent=math.nan))
    node_nm: float | None = field(metadata=key(absent=None, positive=True))
    """Technology node; None: not known, as no Liberty file tells it."""
    estimate: bool = field(metadata=key(absent=False))
    """The library is the built-in estimate, not one of real cells."""


@dataclass(frozen=True, kw_only=True)
class BlockArea:
    """Cells of one block of the head."""

    area_um2: float
    cells: int
    flops: int


@dataclass(frozen=True, kw_only=True)
class Area:
    """Area of a netlist: the sum of its cells, without placement and routing."""

    cells_um2: float = field(metadata=key(positive=True))
    """All cells of the library; without the clock tree."""
    cells: int = field(metadata=key(absent=0))
    flops: int = field(metadata=key(absent=0))
    sequential_um2: float = field(metadata=key(absent=math.nan))
    """Flops and latches, a part of ``cells_um2``."""
    clock_tree_um2: float = field(metadata=key(absent=math.nan))
    """Estimated buffers of the clock tree."""
    by_block: dict[str, BlockArea] = field(metadata=key(absent={}))
    transistors: int | None = field(
        metadata=key(absent=None, omit=True, row="transistors", text="{}")
    )
    """Only of the built-in estimate."""


@dataclass(frozen=True, kw_only=True)
class Sizing:
    """What the sizing of the netlist did; the periods are its own, with estimated wires."""

    buffers_removed: int
    buffers_added: int
    resized: int
    """Cells that got another size."""
    area_before_um2: float
    period_before_ns: float
    period_ns: float


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Setup timing of the slowest path."""

    tool: str
    clock_ns: float = field(metadata=key(absent=math.nan))
    slack_ns: float | None = field(metadata=key(absent=None))
    """None: the tool does not know the flops' own times."""
    fmax_mhz: float | None = field(metadata=key(absent=None, positive=True))
    note: str = field(metadata=key(absent=""))
    """What the numbers leave out."""
    path_blocks: str = field(metadata=key(absent=""))
    """The blocks that the critical path goes through, in order."""


@dataclass(frozen=True, kw_only=True)
class Equivalence:
    """A proof that the netlist does what the Verilog does."""

    points: int
    """Registers and outputs that were compared."""


@dataclass(frozen=True, kw_only=True)
class GateLevel:
    """The netlist in co-simulation."""

    tokens: int
    outputs: int
    mismatches: int
    tokens_per_s: float
    """Speed of the simulation."""


@dataclass(frozen=True, kw_only=True)
class PowerSum:
    """Average power, W.

    internal, net, leakage : sums over the library's tables and pin capacitances
    wires, clock_tree : estimates, as there is no layout
    """

    internal_w: float = field(metadata=key(absent=math.nan))
    net_w: float = field(metadata=key(absent=math.nan))
    leakage_w: float = field(metadata=key(absent=math.nan))
    wires_w: float = field(metadata=key(absent=math.nan))
    clock_tree_w: float = field(metadata=key(absent=math.nan))
    by_block: dict[str, float] = field(metadata=key(absent={}))
    """All but the clock tree; "inputs" is what drives the input ports."""
    cells_w: float = field(metadata=key(absent=math.nan))
    """Internal, net and leakage power of all cells but the clock gates."""
    unmatched: float = field(metadata=key(absent=0.0))
    """Share of the nets without activity, counted as still."""
    total_w: float = field(metadata=key(positive=True))


@dataclass(frozen=True, kw_only=True)
class Power(PowerSum):
    """Average power with the activity of a simulation."""

    seconds: float = field(metadata=key(absent=math.nan))
    """Simulated time of the activity, at the clock of the options."""
    nets: int = field(metadata=key(absent=0))
    transition_s: float = field(metadata=key(absent=math.nan))
    """Transition time that stands for all."""
    opensta_cells_w: float | None = field(metadata=key(absent=None, omit=True))
    """OpenSTA's number beside ``cells_w``; None: OpenSTA is not installed."""
    tokens: int | None = field(metadata=key(absent=None))
    """Tokens that went through the netlist; None: the activity is of an earlier run."""
    cycles_per_token: float = field(metadata=key(absent=math.nan))


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """All results of a run."""

    config: dict[str, Any]
    """The head: the fields of its config that differ from the default."""
    core: dict[str, Any] | None = field(metadata=key(absent=None, omit=True))
    """Of a core, likewise: heads, heads of a group, bits of beats; None: a head."""
    library: LibraryCorner
    options: dict[str, Any]
    """Of the mapping: ``MappingOptions``."""
    area: Area
    cautions: list[str] | None = field(metadata=key(absent=None, omit=True))
    """What the numbers lack or assume, one clause each; None: nothing."""
    verilog_bytes: int = field(metadata=key(absent=0))
    tools: dict[str, str] = field(metadata=key(absent={}))
    sizing: Sizing | None = field(metadata=key(absent=None, omit=True))
    """None: the cells are as ABC chose them."""
    timing: Timing
    equivalence: Equivalence | None = field(metadata=key(absent=None, omit=True))
    power: Power | None = field(metadata=key(absent=None))
    """None: nothing was simulated, or the library has no energies."""
    energy_per_token_j: float | None = field(metadata=key(absent=None, positive=True))
    gate_level: GateLevel | None = field(metadata=key(absent=None, omit=True))
    seconds: dict[str, float] = field(metadata=key(absent={}))
    """Duration of each step that leaves a folder, s."""

    @property
    def heads(self) -> int:
        """H."""
        heads: int = (self.core or {}).get("heads", 1)
        return heads


def as_json(record: "DataclassInstance") -> dict[str, Any]:
    """A record of this schema as the object that metrics.json holds."""
    values = ((part, getattr(record, part.name)) for part in fields(record))
    return {
        part.name: _plain(value)
        for part, value in values
        if value is not None or not _rule(part)["omit"]
    }


def read_metrics(table: object) -> Metrics:
    """The metrics in a parsed metrics.json; unknown keys are ignored.

    Raises
    ------
    ValueError
        A key is missing, or a value cannot be meant.
    """
    return _record(Metrics, table, "")


def rows(record: "DataclassInstance") -> list[tuple[str, str]]:
    """Name and text of the numbers of ``record`` that have a row of their own on the terminal."""
    values = ((_rule(part), getattr(record, part.name)) for part in fields(record))
    return [
        (rule["row"], rule["text"].format(value))
        for rule, value in values
        if rule["row"] and value is not None
    ]


def _plain(value: Any) -> Any:
    """``value`` with objects in place of records."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return as_json(value) if is_dataclass(value) and not isinstance(value, type) else value


def _rule(part: Field[Any]) -> Mapping[str, Any]:
    return part.metadata or PLAIN


def _record(kind: type[T], table: object, place: str) -> T:
    """The dataclass ``kind`` from the object at ``place``, a dotted path."""
    if not isinstance(table, dict):
        what = f'"{place}" is no object' if place else "it is no object"
        raise ValueError(f"it is not what gaincell synth writes: {what}")
    types = get_type_hints(kind)
    values = {}
    for part in fields(kind):
        path = f"{place}.{part.name}" if place else part.name
        rule, value = _rule(part), table.get(part.name)
        if value is None and rule["absent"] is not NEEDED:
            values[part.name] = rule["absent"]
        else:
            values[part.name] = _value(types[part.name], value, path, rule["positive"])
    return kind(**values)


def _value(kind: Any, value: Any, path: str, positive: bool) -> Any:
    """``value`` if it is of the type ``kind`` of a field, else ValueError."""
    if isinstance(kind, UnionType):
        (kind,) = (each for each in get_args(kind) if each is not NoneType)
    if isinstance(kind, type) and is_dataclass(kind):
        return _record(kind, value, path)
    if get_origin(kind) is dict:
        if not isinstance(value, dict):
            raise ValueError(f'it is not what gaincell synth writes: "{path}" is no object')
        item = get_args(kind)[1]
        return {name: _value(item, entry, f"{path}.{name}", False) for name, entry in value.items()}
    if get_origin(kind) is list:
        if not isinstance(value, list):
            raise ValueError(f'it is not what gaincell synth writes: "{path}" is no list')
        item = get_args(kind)[0]
        return [_value(item, each, f"{path}[{n}]", False) for n, each in enumerate(value)]
    if kind is Any:
        return value
    if kind is str and not isinstance(value, str):
        raise _wrong(value, path, "a string")
    if kind is bool and not isinstance(value, bool):
        raise _wrong(value, path, "true or false")
    if kind is int and (not isinstance(value, int) or isinstance(value, bool)):
        raise _wrong(value, path, "a whole number")
    if kind is float:
        usable = is_number(value) and math.isfinite(value)
        if not usable or (positive and value <= 0):
            raise _wrong(value, path, f"a finite number{' above 0' if positive else ''}")
    return value


def _wrong(value: object, path: str, bound: str) -> ValueError:
    return ValueError(f"{path} is {json.dumps(value)}, but must be {bound}")
