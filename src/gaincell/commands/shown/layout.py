"""What ``gaincell layout`` prints of a placement."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gaincell.layout.digital.metrics import LayoutMetrics


def placement_rows(metrics: "LayoutMetrics", clock_ns: float) -> list[tuple[str, str]]:
    """The table of ``gaincell layout``; ``clock_ns`` is the period that was asked for, ns."""
    before = metrics.before
    rows = [
        ("library", metrics.library),
        (
            "core",
            f"{metrics.core_um[0]:.1f} x {metrics.core_um[1]:.1f} um, {metrics.cells} cells, "
            f"{metrics.cells_um2:.0f} um2 of them",
        ),
        ("clock tree", f"{metrics.clock_buffers} buffers, {metrics.latency_ns:.3f} ns"),
        (
            "after placement",
            f"{metrics.resized_placed} cells resized, {metrics.buffers_placed} buffers added",
        ),
        ("hold cells", f"{metrics.hold_cells}"),
        (
            "wires",
            f"{metrics.wire_mm:.1f} mm, {metrics.wire_um_per_input:.2f} um an input; synthesis "
            f"assumes {metrics.wire_um_per_input_estimated:.2f}",
        ),
        ("before", f"{before.fmax_mhz:.0f} MHz" if before.fmax_mhz else "none"),
        ("placed", f"{metrics.fmax_mhz:.0f} MHz"),
        ("setup slack", f"{metrics.setup_slack_ns:+.3f} ns at {clock_ns:g} ns"),
        ("hold slack", f"{metrics.hold_slack_ns:+.3f} ns"),
    ]
    if metrics.equivalence is not None:
        rows.append(("placed = Verilog", f"proved at {metrics.equivalence.points} points"))
    if metrics.power is not None and metrics.energy_per_token_j is not None:
        rows.append(
            (
                "power",
                f"{metrics.power.total_w * 1e3:.2f} mW, of it wires "
                f"{metrics.power.wires_w * 1e3:.2f} mW; "
                f"{metrics.energy_per_token_j * 1e9:.3f} nJ per token",
            )
        )
    rows.append(("time", f"{sum(metrics.seconds.values()):.0f} s, CPU {metrics.cpu_s:.0f} s"))
    return rows
