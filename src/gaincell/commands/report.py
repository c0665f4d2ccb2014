"""``gaincell report``: one HTML page about a head, its cost and the language models on it."""

import argparse
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gaincell
from gaincell.commands.options.common import add_config, add_output, add_seed, check_least
from gaincell.config import HeadConfig
from gaincell.config_file import load_config, read_table
from gaincell.data import shipped
from gaincell.data.adaptation import shipped_results
from gaincell.design_file import records_beside
from gaincell.files import check_writable, make_folder, replacing, scratch_folder
from gaincell.gpu_bench.figures import load_bench
from gaincell.layout.floorplan.metrics import PICTURE, load_floorplan
from gaincell.refusals import foreign, refusing
from gaincell.synth.estimate.activity import measure_activity
from gaincell.synth.estimate.analog import load_analog
from gaincell.synth.estimate.comparison import Row, compare
from gaincell.synth.estimate.digital import metrics_of
from gaincell.synth.estimate.estimate_json import as_json
from gaincell.synth.estimate.system import Estimate
from gaincell.synth.estimate.transistors import Transistors, transistors_of
from gaincell.tables import is_number, read_json
from gaincell.text import table

if TYPE_CHECKING:
    from gaincell.behavioral.tokens import Tokens
    from gaincell.report.inputs import Floorplan, Inputs

PAGE, DATA, PARTS = "index.html", "report.json", "parts"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser, default="gpt2")
    parser.add_argument(
        "--metrics",
        type=Path,
        help="metrics.json of gaincell synth; default: the metrics shipped for this config, if any",
    )
    parser.add_argument(
        "--learning",
        type=Path,
        help="results.json of gaincell demo-ml; default: the shipped results",
    )
    parser.add_argument("--gpu", type=Path, help="JSON file of gaincell bench-gpu")
    parser.add_argument(
        "--floorplan", type=Path, help="folder of gaincell floorplan for the same config"
    )
    parser.add_argument(
        "--split",
        action="store_true",
        help=f"write style sheet and pictures to a folder {PARTS}/ beside the page, for servers "
        "that allow none inside it",
    )
    add_seed(parser, "random codes and power-up states")
    add_output(parser, f"folder for {PAGE} and {DATA}; default report/", default=Path("report"))


def run(arguments: argparse.Namespace) -> int:
    from gaincell.behavioral.tokens import typical_tokens
    from gaincell.report.page import render

    folder: Path = arguments.output
    with refusing():
        config = load_config(arguments.config)
        check_least(arguments, 0, "seed")
        given: dict[str, Any] = {
            "learning": _results(arguments.learning),
            "bench": None if arguments.gpu is None else load_bench(arguments.gpu),
            "floorplan": _floorplan(arguments.floorplan, config),
        }
        tokens, source = typical_tokens(config, arguments.seed)
        estimate, rows, given["designs"] = _estimate(arguments, config, tokens, source)
        make_folder(folder)
        check_writable(folder / PAGE)
    with scratch_folder("gaincell-report-") as scratch:
        waves = scratch / "waves.vcd"
        inputs = _simulated(config, arguments.seed, tokens, source, waves, estimate, rows, given)
        sections = _sections(inputs)
    lead = (
        f"Analog in-memory attention: {config.tiles} sub-tiles, window {config.window}, "
        f"{config.head_dim} dimensions. gaincell {gaincell.__version__}."
    )
    page = render("A gaincell head", lead, sections, split=arguments.split)
    data = inputs.as_json(None if estimate is None else as_json(estimate, rows, given["designs"]))
    written = {f"{PARTS}/{name}": part for name, part in page.parts.items()}
    written |= {PAGE: page.html.encode(), DATA: f"{json.dumps(data, indent=1)}\n".encode()}
    for name, content in written.items():
        make_folder((folder / name).parent)
        with replacing(folder / name) as unfinished:
            unfinished.write_bytes(content)
    print(table([("page", str(folder / PAGE)), ("data", str(folder / DATA))]))
    return int(inputs.comparison.mismatches > 0)


def _sections(inputs: "Inputs") -> list[Any]:
    from gaincell.report import head, models, summary
    from gaincell.report.drawn import drawn

    return [
        summary.at_a_glance(inputs),
        head.architecture(inputs),
        head.timing(inputs),
        head.exactness(inputs),
        head.cost(inputs),
        drawn(inputs),
        models.machines(inputs),
        models.language_models(inputs),
        summary.about(inputs),
    ]


def _simulated(
    config: HeadConfig,
    seed: int,
    tokens: "Tokens",
    source: str,
    waves: Path,
    estimate: Estimate | None,
    rows: list[Row],
    given: dict[str, Any],
) -> "Inputs":
    """Run all tokens, then run the first tokens again and record every wire."""
    from gaincell.cocotb_tests.run.build import build
    from gaincell.cocotb_tests.run.compare import compare as hold_against_contract
    from gaincell.cocotb_tests.run.simulate import simulate
    from gaincell.cocotb_tests.run.waves import record_waves
    from gaincell.report.inputs import Inputs

    simulated = simulate(build(config, progress=True), tokens, config, seed=seed, progress=True)
    record_waves(tokens, config, waves, seed, progress=True)
    return Inputs(
        config=config,
        source=source,
        seed=seed,
        tokens=tokens,
        simulated=simulated,
        comparison=hold_against_contract(tokens, simulated, config),
        waves=waves,
        estimate=estimate,
        rows=rows,
        adaptation=shipped_results(),
        **given,
    )


def _estimate(
    arguments: argparse.Namespace, config: HeadConfig, tokens: "Tokens", source: str
) -> tuple[Estimate | None, list[Row], list[Transistors]]:
    analog = load_analog(arguments.config)
    digital = metrics_of(config, arguments.metrics)
    if digital is None:
        return None, [], []
    activity = measure_activity(tokens, source, config)
    estimate = Estimate(config=config, analog=analog, activity=activity, digital=digital)
    records = records_beside(read_table(arguments.config), Path(arguments.config).parent)
    return estimate, compare(estimate), transistors_of(records, config, activity)


def _floorplan(folder: Path | None, config: HeadConfig) -> "Floorplan | None":
    from gaincell.report.inputs import Floorplan

    if folder is None:
        return None
    metrics = load_floorplan(folder, config)
    return Floorplan(metrics, (folder / PICTURE).read_bytes())


def _results(path: Path | None) -> dict[str, Any] | None:
    """The results of demo-ml, from a file or as shipped; ValueError for another file."""
    results: dict[str, Any] | None
    if path is None:
        results = shipped("learning.json")
        return results
    read: dict[str, Any] = read_json(path, "--learning")
    with foreign(f"--learning {path} is no results.json of gaincell demo-ml"):
        _check_curves(read)
    return read


def _check_curves(read: dict[str, Any]) -> None:
    """Raise anything unless ``read`` holds what the page draws."""
    demo, curves = read["config"]["demo"], read["held_out_nats_per_token"]
    numbers = [demo["stock_steps"], demo["linear_steps"]]
    for name in ("stock", *curves):
        curve = curves[name]
        numbers += [*curve["steps"], *curve["nats"]]
        if not isinstance(curve["label"], str) or not curve["steps"]:
            raise ValueError(f'curve "{name}" has no label or no steps')
        if len(curve["steps"]) != len(curve["nats"]):
            raise ValueError(f'curve "{name}" has not one loss for each step')
    if not all(is_number(number) and abs(number) < math.inf for number in numbers):
        raise ValueError("a step or a loss is no finite number")
