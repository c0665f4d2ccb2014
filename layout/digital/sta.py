"""Setup and hold of a placed netlist, from OpenSTA, with the wires in a SPEF file."""

import re
from dataclasses import dataclass
from pathlib import Path

from gaincell.refusals import Unable
from gaincell.synth.steps.opensta import INSTALL, find_opensta, no_result, run_opensta
from gaincell.synth.steps.sdc import constraints

WORST = re.compile(r"^worst slack\s+(-?[\d.]+)", re.MULTILINE)
SLACK = re.compile(r"(-?[\d.]+)\s+slack \(")
ENDPOINT = re.compile(
    r"^(\S+)/(\S+) \(\S+\)\s+.*?(-?\d+\.\d+) \((?:MET|VIOLATED)\)\s*$", re.MULTILINE
)
LATENCY = re.compile(r"([\d.]+)\s+[\d.]+\s+clock network delay \(propagated\)")
MOST_ENDPOINTS = 9000

SCRIPT = """\
read_liberty library.lib
read_verilog netlist.v
link_design {top}
source constraints.sdc
set_propagated_clock [get_clocks clk]
{spef}
report_checks -path_delay max -digits 4
report_worst_slack -digits 4
puts "HOLD"
report_checks -path_delay min -digits 4
puts "ENDPOINTS"
report_checks -path_delay min -format end -group_count {most} -digits 4
exit
"""


@dataclass(frozen=True)
class PlacedTiming:
    """Slack of the slowest path, and of the fastest one against hold, ns.

    latency_ns : of the clock tree, the mean over the paths that OpenSTA shows
    late_holds : slack by input pin, instance and pin, of flops whose data come too early
    """

    setup_slack_ns: float
    hold_slack_ns: float
    fmax_mhz: float
    latency_ns: float
    late_holds: dict[tuple[str, str], float]


def time_placed(top: str, clock_ns: float, folder: Path) -> PlacedTiming:
    """Time a placed netlist twice: first for the latency of its clock tree, then with it.

    Raises
    ------
    Unable, Refused
        OpenSTA is not installed, or gives no slack.
    """
    first = _time(top, clock_ns, 0.0, folder, "latency")
    return _time(top, clock_ns, first.latency_ns, folder, "timing")


def _time(top: str, clock_ns: float, latency_ns: float, folder: Path, name: str) -> PlacedTiming:
    """Time ``folder``/netlist.v with library.lib and wires.spef."""
    program = find_opensta()
    if program is None:
        raise Unable(f"OpenSTA is not installed, but layout needs it: {INSTALL}")
    (folder / "constraints.sdc").write_text(constraints(clock_ns, latency_ns))
    script = SCRIPT.format(top=top, spef="read_spef wires.spef", most=MOST_ENDPOINTS)
    printed, report = run_opensta(program, script, folder, name)
    before, _, after = printed.partition("HOLD\n")
    late, early = WORST.search(before), SLACK.search(after)
    if late is None or early is None:
        raise no_result("slack", report)
    # A path from a port has no latency at its beginning.
    delays = [float(each) for each in LATENCY.findall(printed) if float(each)]
    setup, hold = float(late[1]), float(early[1])
    tail = after.split("ENDPOINTS")[-1]
    ends = {(owner, pin): float(slack) for owner, pin, slack in ENDPOINT.findall(tail)}
    return PlacedTiming(
        setup_slack_ns=setup,
        hold_slack_ns=hold,
        fmax_mhz=1000 / (clock_ns - setup),
        latency_ns=sum(delays) / max(1, len(delays)),
        late_holds={end: slack for end, slack in ends.items() if slack < 0},
    )
