"""The schema of a layout's metrics.json."""

from dataclasses import dataclass, field
from typing import Any

from gaincell.synth.metrics import Equivalence, PowerSum, Sizing, Timing, key


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
    """All nets, as Steiner trees."""
    wire_um_per_input: float
    """Of all nets but the clock's, for each input of a cell."""
    wire_um_per_input_estimated: float
    """What synthesis assumes before there is a placement."""
    setup_slack_ns: float
    hold_slack_ns: float
    fmax_mhz: float
    latency_ns: float
    """Of the clock tree."""
    equivalence: Equivalence | None = field(metadata=key(absent=None, omit=True))
    """The proof that the placed netlist does what the Verilog does."""
    power: PowerSum | None = field(metadata=key(absent=None, omit=True))
    energy_per_token_j: float | None = field(metadata=key(absent=None, omit=True))
    seconds: dict[str, float]
    cpu_s: float
