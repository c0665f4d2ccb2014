"""``gaincell export``: a head for AccelForge, ZigZag or LLMServingSim, as files that they read."""

import argparse
import csv
import io
import json
from pathlib import Path

from gaincell.commands.options.common import add_config, add_output, add_seed, check_least
from gaincell.config import PRESETS
from gaincell.exports import accelforge, serving, zigzag
from gaincell.exports.figures import HeadFigures, figures_of
from gaincell.files import check_writable, make_folder, replacing
from gaincell.refusals import refusing
from gaincell.text import table

TOOLS = ("accelforge", "zigzag", "llmservingsim")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tool", choices=TOOLS, help="whose files")
    add_config(parser)
    parser.add_argument(
        "--metrics",
        type=Path,
        help="metrics.json of a gaincell synth run; default: the shipped metrics of this config",
    )
    add_seed(parser, "random codes, where the shipped ones are not of the head's shape")
    add_output(parser, "folder for the files", required=True)


def run(arguments: argparse.Namespace) -> int:
    with refusing():
        check_least(arguments, 0, "seed")
        metrics = "" if arguments.metrics is None else str(arguments.metrics)
        figures = figures_of(arguments.config, metrics, arguments.seed)
        source = arguments.config
        source = source if source in PRESETS else str(Path(source).absolute())
        metrics = metrics and str(arguments.metrics.absolute())
        texts = _texts(arguments.tool, figures, source, metrics)
        make_folder(arguments.output)
        for name in texts:
            check_writable(arguments.output / name)
    for name, text in texts.items():
        with replacing(arguments.output / name) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
    rows = [("files", ", ".join(str(arguments.output / name) for name in texts))]
    rows.append(
        ("token", f"{figures.token_j * 1e12:.4g} pJ, every {figures.interval_s * 1e9:g} ns")
    )
    print(table([*rows, ("area", f"{figures.area_m2 * 1e6:.4g} mm2")]))
    return 0


def _texts(tool: str, figures: HeadFigures, source: str, metrics: str) -> dict[str, str]:
    """Content of each file. JSON is YAML, too."""
    if tool == "accelforge":
        return {
            "arch.yaml": accelforge.architecture(figures.config, source, metrics),
            "workload.yaml": accelforge.workload(figures.config),
        }
    if tool == "zigzag":
        parts = {
            "accelerator": zigzag.accelerator(figures),
            "workload": zigzag.workload(figures),
            "mapping": zigzag.mapping(figures),
        }
        return {f"{name}.yaml": json.dumps(part, indent=1) + "\n" for name, part in parts.items()}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(serving.HEADS)
    writer.writerows(serving.rows(figures))
    return {"attention.csv": text.getvalue()}
