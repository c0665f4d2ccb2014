"""``gaincell characterise``: simulate a design's transistors and write what they do."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gaincell.commands.options.common import add_output, add_seed, check_least
from gaincell.files import check_writable, replacing
from gaincell.refusals import Failed, refusing
from gaincell.text import si, table

if TYPE_CHECKING:
    from gaincell.spice.characterise import Effort
    from gaincell.spice.design import Design


def add_arguments(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--design", help="a shipped design's name, or a folder with design.toml and netlist.sp"
    )
    source.add_argument(
        "--data",
        type=Path,
        help="a folder of measurements instead, with data.toml and CSV tables",
    )
    parser.add_argument(
        "--short", action="store_true", help="fewer points, cells and columns, and no corners"
    )
    parser.add_argument(
        "--layout",
        type=Path,
        metavar="TABLE",
        help="draw the design's cell and parts, simulate with the wires of these drawings, and "
        "write a Markdown table of before and after layout here",
    )
    parser.add_argument("--picture", type=Path, help="PNG or SVG with the measurements")
    add_seed(parser, "mismatch and random columns", default=None)
    add_output(parser, "JSON file with all results", required=True)


def run(arguments: argparse.Namespace) -> int:
    from gaincell.pictures.cell_design import draw_design
    from gaincell.pictures.style import check_output

    output: Path = arguments.output
    with refusing():
        check_least(arguments, 0, "seed")
        check_writable(output)
        if arguments.picture is not None:
            check_output(arguments.picture)
        if arguments.layout is not None:
            check_writable(arguments.layout)
    measure = _simulated if arguments.data is None else _measured
    record = measure(arguments)
    with replacing(output) as unfinished:
        unfinished.write_text(f"{json.dumps(record, indent=1)}\n")
    if arguments.picture is not None:
        draw_design(record, arguments.picture)
    print(table(result_rows(record)))
    print(f"  {output} has all numbers")
    return 0


def _simulated(arguments: argparse.Namespace) -> dict[str, Any]:
    from gaincell.spice.characterise import SHORT, Effort, characterise
    from gaincell.spice.design import load_design
    from gaincell.spice.fit import NoFit
    from gaincell.spice.ngspice import NoResult, need_ngspice

    with refusing():
        design = load_design(arguments.design)
        need_ngspice()
        _ = design.models
    effort = SHORT if arguments.short else Effort()
    seed = arguments.seed or 0

    def say(step: str) -> None:
        print(step, flush=True)

    try:
        if arguments.layout is None:
            return characterise(design, effort, seed, say)
        return _drawn(design, effort, seed, arguments.layout, say)
    except (NoResult, NoFit) as error:
        raise Failed(f"design {design.name}: {error}") from error


def _drawn(
    design: "Design", effort: "Effort", seed: int, page: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    from gaincell.layout.parasitics.flow import characterise_drawn, drawn_design

    say("drawing the cell and its parts ...")
    with refusing():
        drawn = drawn_design(design)
    record, text = characterise_drawn(design, drawn, effort, seed, say)
    with replacing(page) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    return record


def _measured(arguments: argparse.Namespace) -> dict[str, Any]:
    from gaincell.spice.fit import NoFit
    from gaincell.spice.measured.folder import load_data
    from gaincell.spice.measured.record import measured_record

    with refusing():
        if arguments.short:
            raise ValueError("--short is of simulations, but --data has measurements")
        if arguments.layout is not None:
            raise ValueError("--layout is of designs, but --data has measurements")
        if arguments.seed is not None:
            raise ValueError("--seed is of simulations, but --data has measurements")
        data = load_data(arguments.data)
    try:
        return measured_record(data)
    except NoFit as error:
        raise Failed(f"data {data.name}: {error}") from error


def result_rows(record: dict[str, Any]) -> list[tuple[str, str]]:
    """The main numbers of a record."""
    cell, made = record["cell"], record["made"]
    origin = f"{made['ngspice']}, seed {made['seed']}" if "ngspice" in made else ""
    if not origin:
        origin = f"{made['charges']} charges of {made['devices']} devices"
    width = cell.get("width_residual")
    linear = "" if width is None else f"; pulse width linear to {width:.3%}"
    rows = [
        ("models", f"{record['design']['models']}, {origin}"),
        (
            "response",
            f"{cell['full_scale_fc']:.3g} fC, degree {len(cell['coefficients_fc']) - 1}, "
            f"residual {cell['residual']:.2%}{linear}",
        ),
    ]
    if held := record["retention"]:
        lost, tau = si(held["half_step_s"], "s", 3), si(held["tau_s"], "s", 3)
        rows.append(("retention", f"half a step is lost in {lost}; safe tau {tau}"))
    if spread := record["mismatch"]:
        worst = max(spread["sigma_fc"]) / cell["full_scale_fc"]
        rows.append(("mismatch", f"sigma up to {worst:.1%} of full scale, {spread['cells']} cells"))
    for stage in ("score", "output"):
        if record[stage]:
            rows += _stage_rows(stage, record[stage])
    if parts := record["derived"]["token_energy_j"]:
        total = sum(part for part in parts.values() if part is not None)
        without = ", ".join(name for name, part in parts.items() if part is None)
        lacking = f"; not simulated: {without}" if without else ""
        rows.append(("a token and head", f"{total * 1e12:.0f} pJ{lacking}"))
    return rows + [("report", sentence) for sentence in record["reports"]]


def _stage_rows(name: str, stage: dict[str, Any]) -> list[tuple[str, str]]:
    lines = [line for line in stage["lines"].values() if line]
    worst = max(line["residual"] for line in lines)
    offset = max(abs(line["offset_s"]) for line in lines)
    rows = [
        (
            f"{name} converter",
            f"full pulse {si(stage['full_s'], 's', 4)}, residual {worst:.2%}, "
            f"offset {si(offset, 's', 2)}",
        )
    ]
    if columns := stage["columns"]:
        count = len(columns["charge_fc"])
        error = f"{columns['largest_error']:.2%} of a full pulse at most"
        rows.append(("", f"{count} random columns as predicted to {error}"))
    if energy := stage["energy"]:
        parts = ("reset_j", "integrate_j", "convert_j")
        converter = sum(energy[part] for part in parts) * 1e15
        cells = energy["cells_j"] * 1e15
        rows.append(
            ("", f"{cells:.0f} fJ in a column's cells, {converter:.0f} fJ in its converter")
        )
    return rows
