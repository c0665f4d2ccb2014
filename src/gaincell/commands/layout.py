"""``gaincell layout``: a head's digital control placed, with its wires, timed and drawn."""

import argparse
from pathlib import Path

from gaincell.commands.options.common import add_config, add_output, add_seed
from gaincell.commands.options.run_folder import check_run_folder, empty_run_folder
from gaincell.config_file import load_config
from gaincell.layout.digital.metrics import routing_rows
from gaincell.layout.klayout import db
from gaincell.refusals import Unable, refusing
from gaincell.text import table


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
    add_seed(parser, "random tokens")
    add_output(parser, "folder for all steps, DEF, GDS, picture and metrics.json", required=True)


def run(arguments: argparse.Namespace) -> int:
    from gaincell.behavioral.tokens import typical_tokens
    from gaincell.layout.digital.flow import Given, run_layout
    from gaincell.layout.digital.placement.global_placement import check_coriolis
    from gaincell.layout.digital.technology import find_sky130
    from gaincell.synth.library.pdk import find_library
    from gaincell.synth.library.roles import check_roles
    from gaincell.synth.metrics import METRICS
    from gaincell.synth.steps.opensta import INSTALL, find_opensta
    from gaincell.synth.steps.sdc import check_clock
    from gaincell.synth.steps.yosys import find_yosys

    with refusing():
        config = load_config(arguments.config)
        clock_ns = config.clock_s * 1e9 if arguments.clock_ns is None else arguments.clock_ns
        check_clock(clock_ns)
        if not 0.2 <= arguments.fill <= 0.85:
            raise ValueError(f"--fill is {arguments.fill:g}, but must be 0.2 to 0.85")
        if arguments.tokens < 0:
            raise ValueError(f"--tokens is {arguments.tokens}, but must be 0 or above")
        tokens = None
        if arguments.tokens:
            tokens, _ = typical_tokens(config, arguments.seed)
            if arguments.tokens > len(tokens):
                raise ValueError(f"--tokens is {arguments.tokens}, but there are {len(tokens)}")
            tokens = tokens[: arguments.tokens]
        check_run_folder(arguments.output)
        library, estimate = find_library(arguments.liberty, 130)
        if estimate:
            raise ValueError("no library is given: --liberty must name that of sky130_fd_sc_hd")
        check_roles(library)
    find_yosys()
    check_coriolis()
    if arguments.route:
        db()
    technology = find_sky130()
    if find_opensta() is None:
        raise Unable(f"OpenSTA is not installed, but layout needs it: {INSTALL}")
    with refusing():
        missing = [name for name in library.cells if not technology.has(name)]
        if len(missing) == len(library.cells):
            raise ValueError(
                f"library {library.name} has no cell of {technology.name}, which layout places"
            )
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
    before = metrics.before
    lines = [
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
        lines += routing_rows(metrics.routing)
    if metrics.equivalence is not None:
        lines.append(("placed = Verilog", f"proved at {metrics.equivalence.points} points"))
    if metrics.power is not None and metrics.energy_per_token_j is not None:
        lines.append(
            (
                "power",
                f"{metrics.power.total_w * 1e3:.2f} mW, of it wires "
                f"{metrics.power.wires_w * 1e3:.2f} mW; "
                f"{metrics.energy_per_token_j * 1e9:.3f} nJ per token",
            )
        )
    lines.append(("time", f"{sum(metrics.seconds.values()):.0f} s, CPU {metrics.cpu_s:.0f} s"))
    print(table(lines))
    print(f"  {arguments.output} has head.def, head.gds, head.png, head.spef and {METRICS}")
    return 0 if metrics.routing is None or metrics.routing.clean else 1
