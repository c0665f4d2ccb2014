"""``gaincell synth``: area, timing and power of a head's or a core's control in a library."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from gaincell.commands.options.common import (
    add_node,
    add_output,
    add_seed,
    check_least,
    check_node,
)
from gaincell.commands.options.design import add_design, design_of
from gaincell.commands.options.inputs import tokens_in
from gaincell.commands.options.run_folder import check_run_folder, empty_run_folder
from gaincell.core.config import CoreConfig, core_of
from gaincell.refusals import Refused, refusing
from gaincell.synth.metrics import METRICS, Metrics, Power, rows
from gaincell.text import table

if TYPE_CHECKING:
    from gaincell.behavioral.tokens import Tokens
    from gaincell.config import HeadConfig

SLOW_MB = 2.0
"""Size of Liberty files, compressed or not, from which on reading them can take several seconds."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_design(parser)
    parser.add_argument(
        "--liberty",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        help="Liberty files, *.lib or *.lib.gz, that make one library; "
        "default: the library in PDK_ROOT, else an estimate",
    )
    add_node(parser, "of --liberty; default: known in PDK_ROOT only")
    parser.add_argument("--clock-ns", type=float, help="clock period; default: the config's")
    add_output(parser, "folder for all steps and metrics.json", required=True)
    parser.add_argument(
        "--no-clock-gating",
        action="store_true",
        help="registers keep their value through multiplexers instead of gated clocks",
    )
    parser.add_argument(
        "--sizing",
        action="store_true",
        help="buffer nets of many inputs and give each cell the size that its load wants: "
        "a faster and larger netlist",
    )
    parser.add_argument(
        "--tokens",
        type=int,
        help="tokens that go through the netlist for its activity; default all of the input, "
        "0: no simulation and no power",
    )
    parser.add_argument(
        "--input",
        type=Path,
        help="npz with codes q, k, v, as for cosim; default: shipped codes of a "
        "language model if the config has their shape, else random ones",
    )
    parser.add_argument(
        "--activity",
        type=Path,
        help="SAIF file of an earlier run of this netlist, instead of a simulation",
    )
    add_seed(parser, "random tokens")
    parser.add_argument(
        "--prove", action="store_true", help="prove that the netlist does what the Verilog does"
    )


def run(arguments: argparse.Namespace) -> int:
    from gaincell.synth.flow import Given, run_flow
    from gaincell.synth.library.pdk import find_library
    from gaincell.synth.library.roles import check_roles, lacking
    from gaincell.synth.saif import WrongActivity
    from gaincell.synth.steps.mapping import MappingOptions
    from gaincell.synth.steps.sdc import check_clock
    from gaincell.synth.steps.yosys import find_yosys

    with refusing():
        config = design_of(arguments)
        head = core_of(config).head
        clock_ns = head.clock_s * 1e9 if arguments.clock_ns is None else arguments.clock_ns
        check_clock(clock_ns)
        tokens, source = _tokens(arguments, config)
        check_run_folder(arguments.output)
        check_node(arguments.node_nm)
        megabytes = sum(each.stat().st_size for each in arguments.liberty if each.is_file()) / 1e6
        if megabytes > SLOW_MB:
            _say(f"reading {megabytes:.0f} MB of Liberty ...")
        library, estimate = find_library(arguments.liberty, arguments.node_nm)
        if estimate and arguments.node_nm is not None:
            raise ValueError(
                f"--node-nm is {arguments.node_nm:g}, but means nothing without --liberty"
            )
        check_roles(library)
    find_yosys()
    with refusing():
        empty_run_folder(arguments.output)
    if not estimate and (less := lacking(library, clock_gating=not arguments.no_clock_gating)):
        _say(f"library {library.name} has {'; '.join(less)}")
    options = MappingOptions(
        clock_gating=not arguments.no_clock_gating,
        clock_ns=clock_ns,
        sizing=arguments.sizing,
    )
    given = Given(
        config=config,
        library=library,
        options=options,
        estimate=estimate,
        tokens=tokens,
        saif=arguments.activity,
        prove=arguments.prove,
    )
    try:
        metrics = run_flow(given, arguments.output, _say)
    except WrongActivity as error:
        raise Refused(str(error)) from error
    print(table(result_rows(metrics, source)))
    print(f"  {arguments.output / METRICS} has all numbers")
    return 0


def result_rows(metrics: Metrics, source: str) -> list[tuple[str, str]]:
    """The table of one run; ``source`` says what went through the netlist."""
    return [
        ("library", _library_text(metrics)),
        *_area_rows(metrics),
        *_sizing_rows(metrics),
        *_timing_rows(metrics),
        *_check_rows(metrics, source),
        *_power_rows(metrics),
        *rows(metrics),
        *(("caution", caution) for caution in metrics.cautions or ()),
    ]


def _library_text(metrics: Metrics) -> str:
    library = metrics.library
    if library.estimate:
        return "none: an ESTIMATE from transistor counts at 45 nm; give --liberty for more"
    node = "unknown node" if library.node_nm is None else f"{library.node_nm:g} nm"
    conditions = f"{library.corner}, {library.voltage_v:g} V, {library.temperature_c:g} C"
    return f"{library.name}, {node}, {conditions}"


def _area_rows(metrics: Metrics) -> list[tuple[str, str]]:
    area = metrics.area
    largest = sorted(area.by_block.items(), key=lambda item: -item[1].area_um2)
    each = f", {area.cells_um2 / metrics.heads:.0f} um2 per head" if metrics.heads > 1 else ""
    return [
        ("area", f"{area.cells_um2:.0f} um2, {area.cells} cells, {area.flops} flops{each}"),
        *rows(area),
        *((f"  {name}", f"{part.area_um2:.0f} um2, {part.flops} flops") for name, part in largest),
    ]


def _sizing_rows(metrics: Metrics) -> list[tuple[str, str]]:
    sizing = metrics.sizing
    if sizing is None:
        return []
    return [
        (
            "sizing",
            f"{sizing.buffers_removed} buffers removed, {sizing.buffers_added} added, "
            f"{sizing.resized} cells resized; area before {sizing.area_before_um2:.0f} um2",
        ),
        (
            "with wires",
            f"period {sizing.period_before_ns:.2f} ns before, {sizing.period_ns:.2f} ns after "
            "(own estimate)",
        ),
    ]


def _timing_rows(metrics: Metrics) -> list[tuple[str, str]]:
    timing = metrics.timing
    lines = [("timing by", timing.tool)]
    if timing.slack_ns is None:
        lines.append(("", timing.note))
    else:
        lines += [
            ("slack", f"{timing.slack_ns:+.3f} ns at {timing.clock_ns:g} ns"),
            ("fmax", f"{timing.fmax_mhz:.0f} MHz" if timing.fmax_mhz else "none"),
            ("critical path", timing.path_blocks),
        ]
    return lines + rows(timing)


def _check_rows(metrics: Metrics, source: str) -> list[tuple[str, str]]:
    lines = []
    if metrics.equivalence is not None:
        lines.append(("netlist = Verilog", f"proved at {metrics.equivalence.points} points"))
    if metrics.gate_level is not None:
        tokens = metrics.gate_level.tokens
        lines.append(("netlist run", f"{tokens} tokens, 0 mismatches; {source}"))
    return lines


def _power_rows(metrics: Metrics) -> list[tuple[str, str]]:
    power, energy_j = metrics.power, metrics.energy_per_token_j
    if power is None or energy_j is None:
        why = "nothing was simulated"
        if metrics.library.estimate:
            why = "an estimate knows no energies"
        return [("power", f"not estimated: {why}")]
    energy = f"{energy_j * 1e9:.3f} nJ per token"
    if metrics.heads > 1:
        energy += f", {energy_j * 1e9 / metrics.heads:.3f} nJ per token and head"
    lines = [("power", _power_text(power)), ("energy", energy)]
    if power.unmatched:
        lines.append(("without activity", f"{power.unmatched:.1%} of the nets, as still"))
    if power.opensta_cells_w is not None:
        ours, theirs = power.cells_w * 1e3, power.opensta_cells_w * 1e3
        lines.append(("cells alone", f"{ours:.2f} mW; OpenSTA {theirs:.2f} mW"))
    return lines + rows(power)


def _power_text(power: Power) -> str:
    parts = {
        "internal": power.internal_w,
        "net": power.net_w,
        "leakage": power.leakage_w,
        "wires": power.wires_w,
        "clock tree": power.clock_tree_w,
    }
    listed = ", ".join(f"{name} {value * 1e3:.2f}" for name, value in parts.items())
    return f"{power.total_w * 1e3:.2f} mW ({listed}; the last two estimated)"


def _tokens(
    arguments: argparse.Namespace, config: "HeadConfig | CoreConfig"
) -> "tuple[Tokens | None, str]":
    from gaincell.behavioral.tokens import typical_tokens
    from gaincell.synth.saif import check_saif

    count = arguments.tokens
    check_least(arguments, 0, "tokens", "seed")
    if arguments.activity is not None:
        check_saif(arguments.activity)
        if arguments.input is not None or count:
            raise ValueError("--activity stands in place of tokens: leave out --tokens and --input")
    if count == 0:
        if arguments.input is not None:
            raise ValueError(f"--input is {arguments.input}, but means nothing with --tokens 0")
        return None, ""
    if core_of(config).in_beats and arguments.activity is None:
        raise ValueError(
            "the netlist of a core whose streams have beats cannot be simulated: "
            "give --tokens 0, or --core without *_beat_bits"
        )
    if arguments.input is not None:
        return tokens_in(arguments.input, config, count), str(arguments.input)
    tokens, source = typical_tokens(config, arguments.seed)
    available = len(tokens)
    if count is not None and count > available:
        raise ValueError(f"--tokens is {count}, but there are {available}: {source}")
    return tokens[:count], source


def _say(step: str) -> None:
    print(step, flush=True)
