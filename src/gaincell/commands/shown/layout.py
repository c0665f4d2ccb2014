"""What ``gaincell layout`` prints of a placement and its routes."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gaincell.layout.digital.metrics import LayoutMetrics, RoutingMetrics


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
    if metrics.routing is not None:
        rows += _routing_rows(metrics.routing)
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


def _routing_rows(routing: "RoutingMetrics") -> list[tuple[str, str]]:
    mm = " + ".join(f"{each:.1f}" for each in routing.wire_mm.values())
    metals = f"{next(iter(routing.wire_mm))} to {list(routing.wire_mm)[-1]}"
    broken = ", ".join(f"{rule} {count} times" for rule, count in routing.broken.items())
    return [
        ("routed", f"{routing.routed} of {routing.nets} nets, {routing.pins} pins"),
        ("metal", f"{mm} mm on {metals}, {sum(routing.vias.values())} vias and contacts"),
        ("LVS", f"{routing.opens} nets open, {routing.shorts} shorts"),
        ("rules", f"{routing.rules} checked, {'broken: ' + broken if broken else 'none broken'}"),
        (
            "routed clock",
            f"{routing.fmax_mhz:.0f} MHz, hold slack {routing.hold_slack_ns:+.3f} ns",
        ),
    ]
