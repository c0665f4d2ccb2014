"""``gaincell estimate``: area, time and energy of heads at 28 nm, beside the paper's."""

import argparse
import json
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from gaincell.commands.options.beside import add_beside, beside_of
from gaincell.commands.options.common import (
    add_config,
    add_node,
    add_output,
    add_seed,
    check_least,
    check_node,
)
from gaincell.commands.shown.transistors import transistor_tables
from gaincell.config import HeadConfig
from gaincell.config_file import load_config, read_table
from gaincell.design_file import records_beside
from gaincell.files import check_writable, replacing
from gaincell.refusals import Refused, refusing
from gaincell.synth.estimate.activity import measure_activity
from gaincell.synth.estimate.analog import load_analog
from gaincell.synth.estimate.arrays import sum_of
from gaincell.synth.estimate.comparison import Mark, Row, compare
from gaincell.synth.estimate.digital import Digital, metrics_of
from gaincell.synth.estimate.estimate_json import as_json
from gaincell.synth.estimate.operations import NODE_NM, SCALING, SOURCE, VOLTAGE_V
from gaincell.synth.estimate.scaling import TARGET_NM, TARGET_V
from gaincell.synth.estimate.system import DIGITAL, SYSTEMS, Estimate
from gaincell.synth.estimate.transistors import Transistors, transistors_of
from gaincell.text import table

if TYPE_CHECKING:
    from gaincell.behavioral.tokens import Tokens


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument(
        "--metrics",
        type=Path,
        help="metrics.json of a gaincell synth run of this head, or of a core of such heads; "
        "default: the shipped metrics of this config",
    )
    add_node(parser, "of the library of --metrics; default: what the metrics tell")
    parser.add_argument(
        "--input",
        type=Path,
        help="npz with codes q, k, v whose pulses are counted; default: shipped codes of a "
        "language model if the config has their shape, else random ones",
    )
    add_seed(parser, "random codes")
    add_beside(parser)
    add_output(parser, "JSON file for all numbers")


def run(arguments: argparse.Namespace) -> int:
    with refusing():
        config = load_config(arguments.config)
        analog = load_analog(arguments.config)
        if arguments.output is not None:
            check_writable(arguments.output)
        check_node(arguments.node_nm)
        if arguments.node_nm is not None and arguments.metrics is None:
            raise ValueError("--node-nm is of the library of --metrics, but there is no --metrics")
        digital = metrics_of(config, arguments.metrics, arguments.node_nm)
        if digital is None:
            raise Refused(
                "no metrics are shipped for this config; make them with "
                f"gaincell synth --config {arguments.config} -o run/ and give "
                "--metrics run/metrics.json"
            )
        beside = beside_of(arguments, config)
        activity = measure_activity(*_tokens(arguments, config), config)
        estimate = Estimate(
            config=config, analog=analog, activity=activity, digital=digital, beside=beside
        )
        rows = compare(estimate)
        records = records_beside(read_table(arguments.config), Path(arguments.config).parent)
        designs = transistors_of(records, config, activity)
    if arguments.output is not None:
        text = json.dumps(as_json(estimate, rows, designs), indent=1) + "\n"
        with replacing(arguments.output) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
    print(report(estimate, rows, designs))
    return 0


def _whole_core(digital: Digital) -> str:
    whole = f"{digital.area_um2 * digital.heads:.0f} um2"
    if digital.energy_per_token_j is not None:
        whole += f" and {digital.energy_per_token_j * digital.heads * 1e12:.4g} pJ"
    return whole


def report(estimate: Estimate, rows: Sequence[Row], designs: Sequence[Transistors] = ()) -> str:
    """The tables of the terminal."""
    digital, activity, scaling = estimate.digital, estimate.activity, estimate.scaling
    measured, simulated = Mark.MEASURED, Mark.SIMULATED
    if digital.is_estimate:
        measured = simulated = Mark.ESTIMATED
    made = [f"{digital.area_um2:.0f} um2 ({measured})"]
    if digital.fmax_hz is not None:
        made.append(f"{digital.fmax_hz / 1e6:.0f} MHz ({digital.timing_tool})")
    if digital.power_w is not None:
        made.append(f"{digital.power_w * 1e3:.3g} mW")
    if digital.energy_per_token_j is not None:
        made.append(f"{digital.energy_per_token_j * 1e12:.4g} pJ per token ({simulated})")
    if digital.heads > 1:
        made.append(f"for each of {digital.heads} heads in a core of {_whole_core(digital)}")
    basis = [
        (
            "digital part",
            f"{digital.library}, {digital.corner}, {digital.node}, {digital.voltage_v:g} V",
        ),
        ("there", ", ".join(made)),
        (
            "activity",
            f"queries {activity.key:.3f}, scores {activity.value:.4f} of a full pulse: "
            f"{activity.source}",
        ),
        *(
            (
                f"to {TARGET_NM:g} nm",
                f"area x {method.area}, delay x {method.delay}, "
                f"energy x {method.energy}: {method.name}",
            )
            for method in scaling.methods
        ),
    ]
    if estimate.fmax_hz is not None and scaling.methods:
        clock = estimate.fmax_hz.times(1e-6)
        basis.append((f"clock at {TARGET_NM:g} nm", f"up to {clock} MHz, low end decides"))

    basis += _work_beside(estimate)

    def named(part: str) -> str:
        return f"{part}, unscaled" if part == DIGITAL and not scaling.methods else part

    areas = [(named(name), f"{band} um2") for name, band in estimate.area_um2.items()]
    energies = [
        (named(name), "no power in the metrics" if band is None else f"{band.times(1e12)} pJ")
        for name, band in estimate.energy_j.items()
    ]
    with_it = f"with {estimate.beside.name}"
    systems = [["", "mm2", "latency, ns", "a token every, ns", "nJ per token"]]
    wanted = (False, True) if estimate.beside else (False,)
    for beside, (name, size) in product(wanted, SYSTEMS.items()):
        each = estimate.system(*size, beside=beside)
        energy = "-" if each.energy_j is None else str(each.energy_j.times(1e9))
        times = [f"{seconds * 1e9:.4g}" for seconds in (each.latency_s, each.interval_s)]
        name = f"{name}, {with_it}" if beside else name
        systems.append([name, str(each.area_mm2), *times, energy])
    compared = [["one head", "", "paper", "ours", "ratio", ""]] + [
        [row.name, row.unit, f"{row.paper:g}", str(row.ours), f"{row.ratio:.3g}", str(row.mark)]
        for row in rows
    ]
    areas.append(("head", f"{sum_of(estimate.area_um2.values())} um2"))
    if estimate.beside:
        cost = estimate.cost_beside
        areas += [(name, f"{band} um2, estimated") for name, band in cost.area_um2.items()]
        areas.append(
            (f"head, {with_it}", f"{estimate.system(1, 1, beside=True).area_mm2.times(1e6)} um2")
        )
        energies += [
            (name, f"{band.times(1e12)} pJ, estimated") for name, band in cost.energy_j.items()
        ]
    parts = [
        table(basis),
        f"Area at {TARGET_NM:g} nm\n{table(areas)}",
        f"Energy per token at {TARGET_NM:g} nm, {TARGET_V:g} V\n{table(energies)}",
        *(transistor_tables(designs, estimate) if designs else []),
        columns(systems),
        f"{columns(compared)}\n  Where ours is a band, the ratio takes its high end.",
        *(f"Note: {caution}." for caution in estimate.cautions()),
    ]
    return "\n\n".join(parts)


def _work_beside(estimate: Estimate) -> list[tuple[str, str]]:
    """Rows on what stands beside the arrays of one head; none if nothing does."""
    beside, cost = estimate.beside, estimate.cost_beside
    if not beside:
        return []
    name = beside.name if beside.source is None else f"{beside.name}: {beside.source}"
    work, units = [f"{cost.products} products"], [f"{cost.mac_units} for products"]
    bits = [f"{cost.parameter_bits} bits of parameters"]
    if beside.recent:
        work += [f"{cost.exponentials} exponentials", f"{cost.divisions} division"]
        units.append(f"{cost.wide_units} for exponentials and division")
        bits.append(f"{cost.buffer_bits:.0f} of keys and values")
    methods = f"area x {SCALING.area}, energy x {SCALING.energy}"
    rows = [
        ("beside", name),
        ("per token, head", ", ".join(work)),
        ("units", ", ".join(units)),
        ("memory", ", ".join(bits)),
        ("operations", f"{SOURCE}, {NODE_NM:g} nm, {VOLTAGE_V:g} V; {methods}"),
    ]
    if beside.digital:
        own = cost.of_digital_head
        area, energy_j = (sum_of(each.values()) for each in (own.area_um2, own.energy_j))
        rows.append(
            (
                "digital heads",
                f"{beside.digital} of {beside.heads}, without arrays, each with a buffer of "
                f"{own.beside.recent} tokens: {area} um2, {energy_j.times(1e12)} pJ per token, "
                "not in the tables",
            )
        )
    if beside.on_array > 1:
        every = estimate.system(1, 1, beside=True).interval_s * 1e9
        shown = f"one for {beside.on_array} query heads, which read it in turn"
        rows.insert(1, ("array", f"{shown}: a token every {every:.4g} ns"))
    if beside.sharing > 1 and beside.recent:
        rows.insert(1, ("buffer", f"one for {beside.sharing} query heads, which read it at once"))
    return rows


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns, one line per row."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "\n".join(f"  {line}".rstrip() for line in lines)


def _tokens(arguments: argparse.Namespace, config: HeadConfig) -> "tuple[Tokens, str]":
    from gaincell.behavioral.tokens import load_tokens, typical_tokens

    check_least(arguments, 0, "seed")
    if arguments.input is not None:
        return load_tokens(arguments.input, config), str(arguments.input)
    return typical_tokens(config, arguments.seed)
