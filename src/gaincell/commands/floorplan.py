"""``gaincell floorplan``: a whole head in one GDS, arrays with their parts above placed control."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from gaincell.commands.options.common import add_config, add_output
from gaincell.commands.options.drawing import add_drawn_cell
from gaincell.commands.shown.drawing import broken_text, official_text, say
from gaincell.config import HeadConfig
from gaincell.config_file import load_config
from gaincell.files import check_new_folder, new_folder
from gaincell.layout.digital.technology import PROCESS
from gaincell.layout.klayout import db
from gaincell.layout.process import load_process
from gaincell.layout.results import METRICS
from gaincell.refusals import Failed, refusing
from gaincell.text import grid, table

if TYPE_CHECKING:
    from gaincell.layout.floorplan.metrics import FloorplanMetrics

CONTROL_GDS = "head.gds"
"""Of of a folder of ``gaincell layout``."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument(
        "--control",
        type=Path,
        required=True,
        help="folder of gaincell layout for the same config: the placed control",
    )
    add_drawn_cell(parser)
    add_output(parser, "new folder for the GDS, a picture and metrics.json", required=True)


def run(arguments: argparse.Namespace) -> int:
    from gaincell.hdl.verilog import TOP, head_verilog
    from gaincell.layout.floorplan.flow import lay_out_head
    from gaincell.layout.floorplan.ports import head_ports
    from gaincell.spice.design import load_design

    output: Path = arguments.output
    with refusing():
        config = load_config(arguments.config)
        process = load_process(PROCESS)
        design = load_design(arguments.design or process.design)
        check_control(arguments.control, config)
        check_new_folder(output)
    db()
    ports = head_ports(head_verilog(config), TOP)
    with new_folder(output) as folder, refusing():
        metrics = lay_out_head(
            config, design, process, ports, arguments.control / CONTROL_GDS, folder, say
        )
    print("\n".join(shown(metrics)))
    print(f"  {output} has head.gds, head.png and {METRICS}")
    if not metrics.clean:
        raise Failed("the drawing breaks rules of the process, or a part has another circuit")
    return 0


def check_control(folder: Path, config: HeadConfig) -> None:
    """Raise ValueError unless ``folder`` has the layout of this config's control."""
    try:
        placed = json.loads((folder / METRICS).read_text(encoding="utf-8"))["config"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"control {folder} is no folder of gaincell layout") from error
    if placed != json.loads(json.dumps(config.fields_set())):
        raise ValueError(f"control {folder} is of another config: {json.dumps(placed)}")
    if not (folder / CONTROL_GDS).is_file():
        raise ValueError(f"control {folder} has no {CONTROL_GDS}")


def shown(metrics: "FloorplanMetrics") -> list[str]:
    """The lines of one run."""
    rows = [("part", "how many", "one, um", "um2", "estimate", "")]
    for name, part in metrics.parts.items():
        one = "{:.2f} x {:.2f}".format(*part.one_um) if part.one_um else ""
        band = "" if part.low_um2 is None else f"{part.low_um2:.0f}..{part.high_um2:.0f}"
        rows.append((name, f"{part.count}", one, f"{part.um2:.0f}", band, part.state))
    rows.append(("free", "", "", f"{metrics.free_um2:.0f}", "", ""))
    rows.append(("head", "", "", f"{metrics.um2:.0f}", "", ""))
    broken = broken_text(metrics.violations)
    near = f"in {metrics.too_near} places" if metrics.too_near else "no two"
    others = ", ".join(metrics.other_circuits)
    rest = [
        ("head", f"{metrics.width_um:.0f} x {metrics.height_um:.0f} um"),
        (
            "at 28 nm",
            f"{metrics.mm2_28nm:.3g} mm2 by the square of the nodes, "
            f"{metrics.mm2_28nm_capacitors_kept:.3g} mm2 if capacitors do not shrink; the paper's "
            f"has {metrics.paper_mm2:g} mm2",
        ),
        ("estimates", f"from {metrics.estimates_from}: {metrics.estimates_how}"),
        *(("not drawn", f"{name}: {part.why}") for name, part in metrics.parts.items() if part.why),
        ("not counted", metrics.not_counted),
        ("rules", f"{metrics.rules} checked in a slice with all its parts, {broken}"),
        ("official deck", official_text(metrics.deck)),
        ("places", f"{near} parts overlap or are too near to each other"),
        (
            "circuits",
            f"NOT those of design {metrics.design}: {others}"
            if others
            else f"of all drawn parts those of design {metrics.design}",
        ),
    ]
    return [grid(rows), "", table(rest)]
