"""The table and the npz file of one co-simulation, and its exit status."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gaincell.files import replacing
from gaincell.text import file_size

if TYPE_CHECKING:
    from gaincell.cocotb_tests.run.compare import Comparison
    from gaincell.cocotb_tests.run.simulate import Simulated


def save_results(path: Path, simulated: "Simulated") -> None:
    """Write y, latency_cycles and the event log to an npz file; shapes as in ``Simulated``."""
    with replacing(path) as unfinished, unfinished.open("wb") as stream:
        np.savez(
            stream,
            y=simulated.y_code,
            latency_cycles=simulated.latency_cycles,
            events=simulated.events,
        )


def result_rows(
    verilog: Path, simulated: "Simulated", comparison: "Comparison"
) -> list[tuple[str, str]]:
    """The table of one co-simulation."""
    latency = simulated.latency_cycles
    tokens, queries = len(latency), latency.size
    status = simulated.status
    speed, heads = tokens / simulated.seconds, comparison.heads
    return [
        ("tokens", f"{tokens}" if queries == tokens else f"{tokens}, {queries} queries"),
        ("mismatches", f"{comparison.mismatches} of {comparison.outputs} outputs"),
        ("near ties", f"{comparison.ties}"),
        ("latency", f"{latency.min()}..{latency.max()} cycles"),
        ("cycles per token", f"{simulated.cycles / tokens:.1f}"),
        ("refreshed", f"{status['refreshed']} columns, {status['dropped']} dropped"),
        ("oldest read", f"{simulated.oldest_read_cycles} cycles"),
        (
            "speed",
            f"{speed:.0f} tokens/s" + f", {heads * speed:.0f} head-tokens/s" * (heads > 1),
        ),
        ("Verilog", f"{verilog} ({file_size(verilog)})"),
    ]


def report_difference(comparison: "Comparison") -> int:
    """Exit status 0 if all outputs agree; else 1, and the first difference on stderr."""
    if comparison.first_difference is None:
        return 0
    print(f"gaincell: {comparison.first_difference}", file=sys.stderr)
    return 1
