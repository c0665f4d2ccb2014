"""The whole flow in steps: Verilog, netlist, timing, activity, power."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from gaincell.behavioral.tokens import Tokens
from gaincell.config import HeadConfig
from gaincell.hdl.verilog import head_verilog
from gaincell.synth.blocks import blocks_of
from gaincell.synth.library.cells import Library
from gaincell.synth.library.generic import transistors
from gaincell.synth.netlist import CONSTANTS, Netlist, read_netlist
from gaincell.synth.saif import read_saif
from gaincell.synth.steps.clock_tree import clock_tree
from gaincell.synth.steps.equivalence import prove_equivalent
from gaincell.synth.steps.gate_level import SCOPE, run_gate_level
from gaincell.synth.steps.mapping import TOP, MappingOptions, map_head
from gaincell.synth.steps.memory_macro import macro_area_um2
from gaincell.synth.steps.opensta import find_opensta
from gaincell.synth.steps.opensta_power import opensta_power_w
from gaincell.synth.steps.power import WIRE_F_PER_UM, power_of
from gaincell.synth.steps.timing import Timing, time_netlist
from gaincell.synth.steps.yosys import yosys_version

Metrics = dict[str, Any]
STEPS = ("verilog", "netlist", "timing", "equivalence", "activity", "power")
METRICS = "metrics.json"


@dataclass
class Flow:
    """One head through the flow; every step leaves a folder with its inputs, logs and metrics.

    estimate : the library is the generic one, without power
    """

    config: HeadConfig
    library: Library
    options: MappingOptions
    folder: Path
    estimate: bool = False
    say: Callable[[str], None] = print
    metrics: Metrics = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    verilog_bytes: int = 0

    def run(
        self, tokens: Tokens | None, *, saif: Path | None = None, prove: bool = False
    ) -> Metrics:
        """All steps.

        Parameters
        ----------
        tokens : Tokens, optional
            What goes through the netlist; without it nothing is simulated.
        saif : Path, optional
            Activity of this netlist from an earlier run, in place of a simulation.
        prove : bool
            Prove that the netlist is the RTL.

        Raises
        ------
        Refused, Failed
            A tool is missing; a step failed, and its folder says how.
        """
        final = self.folder / METRICS
        final.unlink(missing_ok=True)
        verilog = self._verilog()
        netlist = self._netlist(verilog)
        block = blocks_of(netlist, self.library)
        self.metrics = self._head(netlist, block)
        self.metrics["timing"] = self._timing(netlist, block)
        if prove:
            self._equivalence(verilog)
        self.metrics |= {"power": None, "energy_per_token_j": None}
        if tokens is not None and saif is None:
            saif = self._activity(netlist, verilog, tokens)
        if saif is not None and not self.estimate:
            self._power(netlist, block, saif)
        self.metrics["seconds"] = {name: round(value, 1) for name, value in self.seconds.items()}
        final.write_text(json.dumps(self.metrics, indent=2) + "\n")
        return self.metrics

    def _verilog(self) -> str:
        with self._step("verilog") as (folder, results):
            text = head_verilog(self.config)
            (folder / "head.v").write_text(text)
            results["bytes"] = self.verilog_bytes = len(text)
        return text

    def _netlist(self, verilog: str) -> Netlist:
        with self._step("netlist") as (folder, results):
            netlist = read_netlist(map_head(verilog, self.library, self.options, folder), TOP)
            (folder / "netlist.v").write_text(netlist.verilog())
            results["cells"] = dict(sorted(netlist.counts.items()))
        return netlist

    def _head(self, netlist: Netlist, block: dict[str, str]) -> Metrics:
        """What every number of the run belongs to, and the area."""
        library, options = self.library, self.options
        tree = clock_tree(netlist, library, Counter(), WIRE_F_PER_UM)
        parts: dict[str, Metrics] = {}
        for instance in netlist.instances:
            cell = library.cells.get(instance.cell)
            part = parts.setdefault(block[instance.name], {"area_um2": 0.0, "cells": 0, "flops": 0})
            if cell is not None:
                part["area_um2"] += cell.area_um2
                part["cells"] += 1
                part["flops"] += int(cell.sequential)
        cells_um2 = sum(part["area_um2"] for part in parts.values())
        area = {
            "cells_um2": round(cells_um2, 2),
            "cells": sum(part["cells"] for part in parts.values()),
            "flops": sum(part["flops"] for part in parts.values()),
            "sequential_um2": round(
                sum(
                    library.cells[name].area_um2 * count
                    for name, count in netlist.counts.items()
                    if name in library.cells and library.cells[name].sequential
                ),
                2,
            ),
            "clock_tree_um2": round(tree.area_um2, 2),
            "by_block": {
                name: part | {"area_um2": round(part["area_um2"], 2)}
                for name, part in sorted(parts.items())
            },
            "memory_macro_um2": None,
        }
        if any(name not in library.cells for name in netlist.counts):
            area["memory_macro_um2"] = macro_area_um2(self.config, library.node_nm)
        if self.estimate:
            area["transistors"] = transistors(cells_um2)
        return {
            "config": self.config.fields_set(),
            "library": {
                "name": library.name,
                "corner": library.corner,
                "voltage_v": library.voltage_v,
                "temperature_c": library.temperature_c,
                "node_nm": library.node_nm,
                "estimate": self.estimate,
            },
            "options": asdict(options),
            "area": area,
            "verilog_bytes": self.verilog_bytes,
            "tools": {"yosys": yosys_version()},
        }

    def _timing(self, netlist: Netlist, block: dict[str, str]) -> Metrics:
        with self._step("timing") as (folder, results):
            for name in ("library.lib", "netlist.v"):
                (folder / name).symlink_to(Path("..") / self._folder("netlist").name / name)
            timing: Timing = time_netlist(
                netlist,
                block,
                self.options.clock_ns,
                folder,
                self._folder("netlist") / "map.log",
            )
            if self.estimate:
                timing = replace(timing, tool=f"{timing.tool} with assumed delays")
            results |= asdict(timing) | {"path_blocks": timing.path_blocks}
        return {key: value for key, value in results.items() if key != "path"}

    def _equivalence(self, verilog: str) -> None:
        with self._step("equivalence") as (folder, results):
            results["points"] = prove_equivalent(
                self._folder("netlist") / "netlist.json", verilog, self.library, folder
            )
        self.metrics["equivalence"] = dict(results)

    def _activity(self, netlist: Netlist, verilog: str, tokens: Tokens) -> Path:
        with self._step("activity") as (folder, results):
            saif = folder / "activity.saif"
            run = run_gate_level(netlist, self.library, verilog, tokens, self.config, saif=saif)
            results |= {
                "tokens": run.tokens,
                "outputs": run.comparison.outputs,
                "mismatches": run.comparison.mismatches,
                "tokens_per_s": round(run.tokens_per_s),
            }
        self.metrics["gate_level"] = dict(results)
        return saif

    def _power(self, netlist: Netlist, block: dict[str, str], saif: Path) -> None:
        with self._step("power") as (folder, results):
            nets = {net for instance in netlist.instances for net in instance.pins.values()}
            activity = read_saif(saif, SCOPE, nets - set(CONSTANTS.values()))
            # The test bench's clock has a period of 1 ns: activity per cycle is what counts.
            activity = activity.at_clock(1.0, self.options.clock_ns)
            power = power_of(netlist, self.library, activity, block)
            results |= asdict(power) | {"total_w": power.total_w, "seconds": activity.seconds}
            results |= {"nets": len(nets), "transition_s": self.library.transition_s}
            if (program := find_opensta()) is not None:
                for name in ("library.lib",):
                    (folder / name).symlink_to(Path("..") / self._folder("netlist").name / name)
                results["opensta_cells_w"] = opensta_power_w(
                    program, netlist, self.library, activity, self.options.clock_ns, folder
                )
        clock_s = self.options.clock_ns * 1e-9
        tokens = self.metrics.get("gate_level", {}).get("tokens")
        cycles = self.config.interval_cycles
        if tokens is not None:
            cycles = results["seconds"] / clock_s / tokens
        self.metrics["power"] = results | {"tokens": tokens, "cycles_per_token": cycles}
        self.metrics["energy_per_token_j"] = results["total_w"] * cycles * clock_s

    def _folder(self, step: str) -> Path:
        return self.folder / f"{STEPS.index(step) + 1}-{step}"

    @contextmanager
    def _step(self, name: str) -> Iterator[tuple[Path, Metrics]]:
        folder = self._folder(name)
        folder.mkdir()
        self.say(f"{name} ...")
        begin = time.monotonic()
        results: Metrics = {}
        yield folder, results
        self.seconds[name] = time.monotonic() - begin
        (folder / METRICS).write_text(json.dumps(results, indent=2) + "\n")
