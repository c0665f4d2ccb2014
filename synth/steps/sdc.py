"""Timing constraints of the head, as SDC."""

UNCERTAINTY_NS = 0.05
"""Clock uncertainty: jitter, and skew of a clock tree that layout will add."""
MOST_NS = 1e6
"""Longest period: ABC and OpenSTA count it in ps."""
IO_DELAY_NS = 0.1
"""Part of the period that the logic outside of an input or output port needs."""


def constraints(clock_ns: float, latency_ns: float = 0.0, port: str = "clk") -> str:
    """SDC for a clock of ``clock_ns`` at ``port``; every other port has an I/O delay.

    ``latency_ns`` is that of the clock tree: what is outside of the ports has one like it.
    """
    return f"""\
create_clock -name clk -period {clock_ns:g} [get_ports {port}]
set_clock_uncertainty {UNCERTAINTY_NS:g} [get_clocks clk]
set inputs {{}}
foreach port [all_inputs] {{
  if {{[get_property $port full_name] ne "{port}"}} {{ lappend inputs $port }}
}}
set_input_delay {IO_DELAY_NS + latency_ns:g} -clock clk $inputs
set_output_delay {IO_DELAY_NS - latency_ns:g} -clock clk [all_outputs]
"""


def check_clock(clock_ns: float) -> None:
    """Raise ValueError unless the constraints leave time for logic, and tools can read them."""
    least = UNCERTAINTY_NS + 2 * IO_DELAY_NS
    if not clock_ns > least:
        raise ValueError(
            f"--clock-ns is {clock_ns:g}, but must be above {least:g} ns, which clock uncertainty "
            "and I/O delays take"
        )
    if clock_ns > MOST_NS:
        raise ValueError(f"--clock-ns is {clock_ns:g}, but must be at most {MOST_NS:g} ns")
