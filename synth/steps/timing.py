"""Slack and critical path of a netlist: from OpenSTA, or else ABC's estimate."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gaincell.refusals import Failed
from gaincell.synth.netlist import Netlist
from gaincell.synth.steps.opensta import INSTALL, find_opensta, run_opensta
from gaincell.synth.steps.sdc import constraints

PATH_STEP = re.compile(r"([\d.]+)\s+([v^])\s+(\w+)/(\w+)\s+\((\S+)\)\s*$")
SLACK = re.compile(r"worst slack\s+(-?[\d.]+)")
ABC_DELAY = re.compile(r"ABC: .*Delay =\s*([\d.]+) ps")

SCRIPT = """\
read_liberty library.lib
read_verilog netlist.v
link_design {top}
source constraints.sdc
report_checks -path_delay max -digits 4
report_worst_slack -digits 4
report_checks -path_delay min -digits 4
exit
"""


@dataclass(frozen=True)
class Step:
    """A cell on the critical path: arrival time at its output, ns, and its block."""

    arrival_ns: float
    cell: str
    block: str


@dataclass(frozen=True)
class Timing:
    """Setup timing of the slowest path.

    slack_ns, fmax_mhz : None where the tool does not know the flops' own times
    path : empty likewise
    note : what the numbers leave out
    """

    tool: str
    clock_ns: float
    slack_ns: float | None
    fmax_mhz: float | None
    path: tuple[Step, ...]
    note: str

    @property
    def path_blocks(self) -> str:
        """The blocks that the critical path goes through, in order."""
        blocks: list[str] = []
        for step in self.path:
            if not blocks or blocks[-1] != step.block:
                blocks.append(step.block)
        return " > ".join(blocks)


def time_netlist(
    netlist: Netlist, block: Mapping[str, str], clock_ns: float, folder: Path, map_log: Path
) -> Timing:
    """Time ``folder``/netlist.v; script, constraints and report stay in ``folder``."""
    (folder / "constraints.sdc").write_text(constraints(clock_ns))
    program = find_opensta()
    if program is None:
        return _estimate(clock_ns, map_log)
    printed, report = run_opensta(program, SCRIPT.format(top=netlist.name), folder, "timing")
    slack = SLACK.search(printed)
    if slack is None:
        raise Failed(f"OpenSTA cannot time the netlist; see {report}")
    slack_ns = float(slack[1])
    path = printed.split("Startpoint", 2)[1].split("data arrival time")[0]
    steps = [
        Step(float(found[1]), found[5], block.get(found[3], ""))
        for line in path.splitlines()
        if (found := PATH_STEP.search(line)) is not None
    ]
    return Timing(
        tool=f"OpenSTA {_version(printed)}".strip(),
        clock_ns=clock_ns,
        slack_ns=slack_ns,
        fmax_mhz=1000 / (clock_ns - slack_ns) if slack_ns < clock_ns else None,
        path=tuple(steps),
        note="setup, before layout: no wires, an ideal clock",
    )


def _version(text: str) -> str:
    found = re.search(r"OpenSTA (\S+)", text)
    return found[1] if found else ""


def _estimate(clock_ns: float, map_log: Path) -> Timing:
    delays = ABC_DELAY.findall(map_log.read_text())
    note = "no estimate"
    if delays:
        note = (
            f"longest logic between registers {float(delays[-1]) / 1000:.3f} ns as ABC sees it, "
            "without flops and full adders"
        )
    return Timing("ABC's estimate", clock_ns, None, None, (), f"{note}; {INSTALL}")
