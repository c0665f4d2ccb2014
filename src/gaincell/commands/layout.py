"""``gaincell layout``: a head's digital control placed, with its wires, timed and drawn.

With ``--librelane`` also, or only, a project for those who place and route with LibreLane.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from gaincell.commands.options.common import add_config, add_output, add_seed, check_least
from gaincell.commands.options.run_folder import check_run_folder, empty_run_folder
from gaincell.commands.shown.layout import placement_rows
from gaincell.config import HeadConfig
from gaincell.config_file import load_config
from gaincell.files import check_new_folder, new_folder, scratch_folder
from gaincell.layout.klayout import db
from gaincell.layout.process import load_process
from gaincell.refusals import Unable, refusing
from gaincell.text import table

if TYPE_CHECKING:
    from gaincell.behavioral.tokens import Tokens
    from gaincell.layout.digital.metrics import LayoutMetrics
    from gaincell.layout.digital.technology import Technology
    from gaincell.synth.library.cells import Library

CELLS = "sky130_fd_sc_hd"
"""The cells that a LibreLane project for sky130 is mapped to."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument("--pdk", choices=("sky130",), default="sky130", help="the cells' PDK")
    parser.add_argument(
        "--liberty",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        help="Liberty files of sky130_fd_sc_hd; default: the library in PDK_ROOT",
    )
    parser.add_argument("--clock-ns", type=float, help="clock period; default: the config's")
    parser.add_argument(
        "--fill", type=float, default=0.7, help="part of the core that cells take; default 0.7"
    )
    parser.add_argument(
        "--tokens",
        type=int,
        default=0,
        help="tokens that go through the placed netlist for its power; default 0: no power",
    )
    parser.add_argument(
        "--prove",
        action="store_true",
        help="prove that the placed netlist does what the Verilog does",
    )
    parser.add_argument(
        "--route",
        action="store_true",
        help="route all nets, and check that the metal joins what the netlist joins",
    )
    parser.add_argument(
        "--librelane",
        type=Path,
        metavar="FOLDER",
        help="new folder for a LibreLane project of the control with the arrays as a macro, which "
        "is not run; without --output nothing is placed here either",
    )
    add_seed(parser, "random tokens")
    add_output(parser, "folder for all steps, DEF, GDS, picture and metrics.json")


def run(arguments: argparse.Namespace) -> int:
    from gaincell.synth.library.pdk import find_library
    from gaincell.synth.library.roles import check_roles
    from gaincell.synth.steps.sdc import check_clock
    from gaincell.synth.steps.yosys import find_yosys

    with refusing():
        config = load_config(arguments.config)
        clock_ns = config.clock_s * 1e9 if arguments.clock_ns is None else arguments.clock_ns
        check_clock(clock_ns)
        _check(arguments)
        tokens = _tokens(arguments, config)
        library, estimate = find_library(arguments.liberty, 130)
        if estimate:
            raise ValueError("no library is given: --liberty must name that of sky130_fd_sc_hd")
        check_roles(library)
        if arguments.librelane is not None:
            _check_names(library)
    find_yosys()
    if arguments.librelane is not None:
        db()
    metrics = None
    if arguments.output is not None:
        metrics = _place(arguments, config, tokens, library, clock_ns)
    if arguments.librelane is not None:
        cells_um2 = metrics.cells_um2 if metrics else None
        _write_project(arguments, config, library, clock_ns, cells_um2)
    unclean = metrics is not None and metrics.routing is not None and not metrics.routing.clean
    return 1 if unclean else 0


def _check(arguments: argparse.Namespace) -> None:
    """Raise ValueError unless the options fit together, and both outputs can be written."""
    if arguments.output is None and arguments.librelane is None:
        raise ValueError("nothing is to be written: give --output, --librelane, or both")
    if not 0.2 <= arguments.fill <= 0.85:
        raise ValueError(f"--fill is {arguments.fill:g}, but must be 0.2 to 0.85")
    check_least(arguments, 0, "tokens", "seed")
    if arguments.output is None and (arguments.tokens or arguments.prove or arguments.route):
        raise ValueError(
            "--tokens, --prove and --route need --output: without it nothing is placed"
        )
    if arguments.output is not None:
        check_run_folder(arguments.output)
    if arguments.librelane is not None:
        check_new_folder(arguments.librelane)


def _tokens(arguments: argparse.Namespace, config: HeadConfig) -> "Tokens | None":
    """The tokens for the control's power, if it is asked for; ValueError if there are too few."""
    from gaincell.behavioral.tokens import typical_tokens

    if not arguments.tokens:
        return None
    tokens, _ = typical_tokens(config, arguments.seed)
    if arguments.tokens > len(tokens):
        raise ValueError(f"--tokens is {arguments.tokens}, but there are {len(tokens)}")
    return tokens[: arguments.tokens]


def _place(
    arguments: argparse.Namespace,
    config: HeadConfig,
    tokens: "Tokens | None",
    library: "Library",
    clock_ns: float,
) -> "LayoutMetrics":
    """Place the control, route it if that is asked for, and print what came out."""
    from gaincell.layout.digital.flow import Given, run_layout
    from gaincell.layout.digital.placement.global_placement import check_coriolis
    from gaincell.layout.digital.technology import find_sky130
    from gaincell.synth.metrics import METRICS
    from gaincell.synth.steps.opensta import INSTALL, find_opensta

    check_coriolis()
    if arguments.route:
        db()
    technology = find_sky130()
    if find_opensta() is None:
        raise Unable(f"OpenSTA is not installed, but layout needs it: {INSTALL}")
    with refusing():
        _check_cells(library, technology)
        empty_run_folder(arguments.output)
    given = Given(
        config=config,
        library=library,
        technology=technology,
        clock_ns=clock_ns,
        fill=arguments.fill,
        tokens=tokens,
        prove=arguments.prove,
        route=arguments.route,
    )
    metrics = run_layout(given, arguments.output, lambda step: print(step, flush=True))
    print(table(placement_rows(metrics, clock_ns)))
    print(f"  {arguments.output} has head.def, head.gds, head.png, head.spef and {METRICS}")
    return metrics


def _check_names(library: "Library") -> None:
    """Raise ValueError unless the library is of the cells that LibreLane maps to."""
    if not any(name.startswith(f"{CELLS}__") for name in library.cells):
        raise ValueError(f"library {library.name} has no cell of {CELLS}, which LibreLane places")


def _check_cells(library: "Library", technology: "Technology") -> None:
    missing = [name for name in library.cells if not technology.has(name)]
    if len(missing) == len(library.cells):
        raise ValueError(
            f"library {library.name} has no cell of {technology.name}, which layout places"
        )


def _write_project(
    arguments: argparse.Namespace,
    config: HeadConfig,
    library: "Library",
    clock_ns: float,
    cells_um2: float | None,
) -> None:
    """Write the LibreLane project. Without a placement, map the control for its area."""
    from gaincell import __version__
    from gaincell.hdl.verilog import TOP, head_verilog
    from gaincell.layout.floorplan.flow import lay_out_arrays
    from gaincell.layout.floorplan.ports import head_ports
    from gaincell.layout.librelane.project import CONFIG, NOT_RUN, write_project
    from gaincell.spice.design import load_design
    from gaincell.synth.steps import mapping

    verilog = head_verilog(config)
    if cells_um2 is None:
        print("netlist ...", flush=True)
        options = mapping.MappingOptions(clock_ns=clock_ns)
        with scratch_folder("gaincell-librelane-") as place:
            inputs = mapping.Inputs(verilog=verilog, library=library, options=options, folder=place)
            cells_um2 = mapping.run(inputs).netlist.area_um2(library)
    print("arrays ...", flush=True)
    process, ports = load_process(arguments.pdk), head_ports(verilog, TOP)
    arrays = lay_out_arrays(config, load_design(process.design), process, ports)
    with new_folder(arguments.librelane) as folder, refusing():
        size = write_project(
            folder,
            config=config,
            verilog=verilog,
            control=TOP,
            ports=ports,
            arrays=arrays,
            library=library,
            clock_ns=clock_ns,
            control_um2=cells_um2,
            version=__version__,
        )
    plan = arrays.plan
    rows = [
        ("arrays", f"{plan.width / 1e3:.1f} x {plan.height / 1e3:.1f} um, {len(plan.pins)} pins"),
        ("die", f"{size.width / 1e3:.1f} x {size.height / 1e3:.1f} um"),
        ("control", f"{cells_um2:.0f} um2 of cells, in the rows below the arrays"),
        ("LibreLane", f"{NOT_RUN}: librelane --pdk sky130A {arguments.librelane / CONFIG}"),
    ]
    print(table(rows))
