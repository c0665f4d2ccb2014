"""The schema of a layout's metrics.json."""

from dataclasses import dataclass, field
from typing import Any

from gaincell.synth.metrics import Equivalence, PowerSum, Sizing, Timing, key


@dataclass(frozen=True, kw_only=True)
class RoutingMetrics:
    """What came of routing; opens, shorts and broken rules are counted in the GDS."""

    nets: int
    pins: int
    routed: int
    """Nets with a route that shares nothing with another's."""
    opens: int
    shorts: int
    rules: int
    """Rules of the wires' layers."""
    broken: dict[str, int]
    """How often each rule is broken."""
    rounds: int
    wire_mm: dict[str, float]
    """By metal."""
    vias: dict[str, int]
    """By cut; mcon are the contacts to cells' own metal."""
    setup_slack_ns: float
    """This and what follows by OpenSTA, with the routed wires."""
    hold_slack_ns: float
    fmax_mhz: float

    @property
    def clean(self) -> bool:
        return not (self.opens or self.shorts or self.broken)


@dataclass(frozen=True, kw_only=True)
class LayoutMetrics:
    """All results of a layout."""

    config: dict[str, Any]
    library: str
    before: Timing
    """OpenSTA before placement."""
    sizing: Sizing
    cells: int
    cells_um2: float
    core_um2: float
    core_um: tuple[float, float]
    clock_buffers: int
    resized_placed: int
    """Cells that got another size after placement."""
    buffers_placed: int
    """Buffers that relieve slow nets, put in after placement."""
    hold_cells: int
    wire_mm: float
    """All nets: as routed, or as Steiner trees without routes."""
    wire_um_per_input: float
    """Of all nets but the clock's as Steiner trees, for each input of a cell."""
    wire_um_per_input_estimated: float
    """What synthesis assumes before there is a placement."""
    setup_slack_ns: float
    """This and what follows by OpenSTA, with the wires of the placement."""
    hold_slack_ns: float
    fmax_mhz: float
    latency_ns: float
    """Of the clock tree."""
    routing: RoutingMetrics | None = field(metadata=key(absent=None, omit=True))
    equivalence: Equivalence | None = field(metadata=key(absent=None, omit=True))
    """The proof that the placed netlist does what the Verilog does."""
    power: PowerSum | None = field(metadata=key(absent=None, omit=True))
    energy_per_token_j: float | None = field(metadata=key(absent=None, omit=True))
    seconds: dict[str, float]
    cpu_s: float
