"""Global placement: Coriolis, as a program of its own, says where each cell belongs."""

import json
import math
import re
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from gaincell.layout.digital.placement.core import Core, Places
from gaincell.layout.digital.technology import METALS, Technology
from gaincell.refusals import Unable
from gaincell.synth.netlist import CONSTANTS, Netlist
from gaincell.system.processes import run


def check_coriolis() -> None:
    """Raise Unable unless Coriolis is installed."""
    if find_spec("coriolis") is None:
        raise Unable(
            "Coriolis is not installed, but placement needs it: pip install 'gaincell[layout]'"
        )


def place(
    netlist: Netlist, technology: Technology, core: Core, ports: Places, folder: Path
) -> Places:
    """Where Coriolis wants the instances of ``netlist``, with ``ports`` where they are.

    Order, netlist and log stay in ``folder``, which is made.

    Raises
    ------
    Unable
        Coriolis stopped.
    """
    folder.mkdir()
    lefs = [_rounded(technology, cell, folder / "lef") for cell in sorted(netlist.counts)]
    technology_lef = folder / "lef" / "technology.lef"
    technology_lef.write_text(technology.technology_lef.read_text())
    blif, plain = _blif(netlist)
    (folder / "design.blif").write_text(blif)
    prefix = f"{technology.name}__"
    order = {
        "design": "design",
        "library": technology.name,
        "technology_lef": str(technology_lef.relative_to(folder)),
        "cell_lefs": [str(lef.relative_to(folder)) for lef in lefs],
        "metals": METALS,
        "site_um": technology.site_um,
        "row_um": technology.row_um,
        "width_um": core.width_um,
        "height_um": core.height_um,
        "ports": {plain[net]: place for net, place in ports.items() if net != "clk"},
        "margin": 0.1,
        "power": "VPWR",
        "ground": "VGND",
        "fill": f"{prefix}fill_1",
        "tie": f"{prefix}conb_1",
    }
    (folder / "order.json").write_text(json.dumps(order, indent=1))
    program = Path(__file__).with_name("coriolis_process.py")
    log, target = folder / "coriolis.log", folder / "positions.json"
    status = run([sys.executable, str(program), "order.json", target.name], folder, log)
    if status or not target.is_file():
        raise Unable(f"Coriolis cannot place the netlist (exit status {status}); see {log}")
    found = json.loads(target.read_text())
    # Coriolis' rows are whole sites high.
    sites = math.ceil(technology.row_um / technology.site_um)
    lower = technology.row_um / (sites * technology.site_um)
    number = {int(name.split("_")[1]): (x, y * lower) for name, (x, y) in found.items()}
    if len(number) != len(netlist.instances):
        raise Unable(f"Coriolis placed {len(number)} of {len(netlist.instances)} cells; see {log}")
    order_of = sorted(number)
    return {
        instance.name: number[at] for instance, at in zip(netlist.instances, order_of, strict=True)
    }


def _blif(netlist: Netlist) -> tuple[str, dict[str, str]]:
    """The netlist in names without brackets, and these names; constants are left open."""
    plain: dict[str, str] = {}

    def name(net: str) -> str:
        return plain.setdefault(net, f"n{len(plain)}")

    lines = [".model design"]
    for direction in ("input", "output"):
        nets = [net for port in netlist.ports if port.direction == direction for net in port.nets]
        lines.append(f".{direction}s {' '.join(_names(nets, plain))}")
    for instance in netlist.instances:
        pins = " ".join(
            f"{pin}={name(net)}"
            for pin, net in instance.pins.items()
            if net not in CONSTANTS.values()
        )
        lines.append(f".subckt {instance.cell} {pins}")
    return "\n".join([*lines, ".end", ""]), plain


def _names(nets: Iterable[str], plain: dict[str, str]) -> list[str]:
    return [plain.setdefault(net, "clk" if net == "clk" else f"n{len(plain)}") for net in nets]


def _rounded(technology: Technology, cell: str, folder: Path) -> Path:
    """The LEF of a cell with coordinates on the 5 nm grid, which Coriolis wants."""
    folder.mkdir(exist_ok=True)

    def rounded(found: re.Match[str]) -> str:
        return f"{round(float(found[0]) / 0.005) * 0.005:.3f}"

    lines = [
        re.sub(r"-?\d+\.\d+", rounded, line) if re.match(r"\s*(RECT|POLYGON|SIZE)", line) else line
        for line in technology.file(cell, "lef").read_text().splitlines()
    ]
    target = folder / f"{cell}.lef"
    target.write_text("\n".join([*lines, ""]))
    return target
