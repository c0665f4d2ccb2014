"""Timing step: slack and critical path of a netlist, from OpenSTA or else by ABC's estimate."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from gaincell.synth.metrics import Timing, as_json
from gaincell.synth.netlist import Netlist
from gaincell.synth.steps import step
from gaincell.synth.steps.mapping import MappingOptions
from gaincell.synth.steps.opensta import INSTALL, find_opensta, no_result, run_opensta
from gaincell.synth.steps.sdc import constraints

PATH_STEP = re.compile(r"([\d.]+)\s+([v^])\s+(\w+)/(\w+)\s+\((\S+)\)\s*$")
SLACK = re.compile(r"worst slack\s+(-?[\d.]+(?:e[+-]?\d+)?)")
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
class Stage:
    """A cell on the critical path: arrival time at its output, ns, and its block."""

    arrival_ns: float
    cell: str
    block: str


@dataclass(frozen=True, kw_only=True)
class Inputs:
    netlist: Netlist
    block: Mapping[str, str]
    library_file: Path
    netlist_file: Path
    map_log: Path
    options: MappingOptions
    estimate: bool
    folder: Path


@dataclass(frozen=True, kw_only=True)
class Outputs(step.Outputs):
    """``path`` is the critical path; it is empty where the tool does not know the flops' times."""

    timing: Timing
    path: tuple[Stage, ...]

    def report(self) -> dict[str, Any]:
        return as_json(self.timing) | {"path": [asdict(stage) for stage in self.path]}


def run(inputs: Inputs) -> Outputs:
    """Time the netlist with OpenSTA; without it, report ABC's estimate.

    Raises
    ------
    Refused, Unable
        OpenSTA cannot time the netlist.
    """
    folder, clock_ns = inputs.folder, inputs.options.clock_ns
    step.link(folder, inputs.library_file, inputs.netlist_file)
    timing, path = time_netlist(inputs.netlist, inputs.block, clock_ns, folder, inputs.map_log)
    if inputs.estimate:
        timing = replace(timing, tool=f"{timing.tool} with assumed delays")
    return Outputs(timing=timing, path=path)


def time_netlist(
    netlist: Netlist, block: Mapping[str, str], clock_ns: float, folder: Path, map_log: Path
) -> tuple[Timing, tuple[Stage, ...]]:
    """Timing and critical path of ``folder``/netlist.v.

    Script, constraints and report stay in ``folder``.
    """
    (folder / "constraints.sdc").write_text(constraints(clock_ns))
    program = find_opensta()
    if program is None:
        return _estimate(clock_ns, map_log), ()
    printed, report = run_opensta(program, SCRIPT.format(top=netlist.name), folder, "timing")
    slack = SLACK.search(printed)
    if slack is None:
        raise no_result("slack", report)
    slack_ns = float(slack[1])
    listed = printed.split("Startpoint", 2)[1].split("data arrival time")[0]
    path = tuple(
        Stage(float(match[1]), match[5], block.get(match[3], ""))
        for line in listed.splitlines()
        if (match := PATH_STEP.search(line)) is not None
    )
    timing = Timing(
        tool=f"OpenSTA {_version(printed)}".strip(),
        clock_ns=clock_ns,
        slack_ns=slack_ns,
        fmax_mhz=1000 / (clock_ns - slack_ns) if slack_ns < clock_ns else None,
        note=f"setup, before layout: {_wires(folder / 'library.lib')}, an ideal clock",
        path_blocks=_path_blocks(path),
    )
    return timing, path


def _wires(library: Path) -> str:
    """What OpenSTA takes the wires for."""
    models = re.search(r"^  default_wire_load(_selection)? :", library.read_text(), re.MULTILINE)
    return "wires by the library's default wire load" if models else "no wires"


def _path_blocks(path: Sequence[Stage]) -> str:
    """The blocks that the critical path goes through, in order."""
    blocks: list[str] = []
    for stage in path:
        if not blocks or blocks[-1] != stage.block:
            blocks.append(stage.block)
    return " > ".join(blocks)


def _version(text: str) -> str:
    match = re.search(r"OpenSTA (\S+)", text)
    return match[1] if match else ""


def _estimate(clock_ns: float, map_log: Path) -> Timing:
    delays = ABC_DELAY.findall(map_log.read_text())
    note = "no estimate"
    if delays:
        note = (
            f"longest logic between registers {float(delays[-1]) / 1000:.3f} ns as ABC sees it, "
            "without flops and full adders"
        )
    return Timing(
        tool="ABC's estimate",
        clock_ns=clock_ns,
        slack_ns=None,
        fmax_mhz=None,
        note=f"{note}; {INSTALL}",
        path_blocks="",
    )
