"""From a pre-trained model to the hardware: perplexity after three starts, without and with steps.

The text is cut in two halves: one fits and trains, the first windows of the other score. Each case
is a folder of run files that ``gaincell`` reads, and goes on where it was cut off.
``make adaptation TEXT=text.txt`` writes the table and the figure of docs/understand/starts.md.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import torch

from gaincell.cli import main as gaincell
from gaincell.commands.options.texts import tokens_of
from gaincell.data.adaptation import CASES, LAYERS, MARKS, VARIANTS, Case, table
from gaincell.files import check_writable, replacing
from gaincell.ml.evaluate.perplexity import perplexity, windows_of
from gaincell.ml.models.load import load_model, load_tokenizer
from gaincell.ml.process.memory import keep_freed_memory
from gaincell.pictures.adaptation import draw_adaptation

MODEL = "smollm2"
WINDOW = 512
SCORED = 32
"""Windows of the second half."""
LINEAR_STEPS = 100
"""Of the paper's recipe, of its 300: training with the linear cell before the adaptation."""
START_WINDOWS = 160
SEED = 0
RUN_FILE = """\
[run]
folder = "{folder}/run"
seed = {seed}
checkpoint_every = 50
keep = 1
evaluate_every = 100

[model]
{model}

[data]
text = "{text}"
window = {window}
tokens = {half}

[held_out]
skip = {half}
windows = {scored}

[training]
batch = 2
matmul_precision = "medium"

[teacher]
name = "{teacher}"
weight = 0.9
{stages}"""
STAGE = """
[{name}]
steps = {steps}
learning_rate = 1e-4
final_ratio = 0.1
warmup = 10
weight_decay = 0.0
"""


def run_case(case: Case, text: Path, work: Path, steps: int) -> dict[str, Any]:
    """Start, train and score one case; what its folder has already is kept."""
    folder = work / case.name
    folder.mkdir(parents=True, exist_ok=True)
    half = len(tokens_of(text, load_tokenizer(MODEL))) // 2
    variant = VARIANTS[case.variant]
    head = folder / "head.toml"
    head.write_text("".join(f"{key} = {value}\n" for key, value in variant.head.items()))
    common = ["--text", str(text), "--window", str(WINDOW), "--config", str(head)]
    layers = ["--layers", LAYERS[case.layers]]
    few = ["--windows", "4"]
    ranges = [*few, "--init", "ranges"]
    if case.recipe == "paper":
        linear = _convert(folder, "linear", MODEL, [*common, *layers, *ranges, "--kind", "linear"])
        start = _convert(folder, "start", linear, [*common, *few, "--init", "matching"])
        model = f'name = "{linear}"'
        stages = STAGE.format(name="linear", steps=LINEAR_STEPS) + STAGE.format(
            name="nonlinear", steps=steps - LINEAR_STEPS
        )
    else:
        more = ranges
        if case.recipe == "ours":
            count = str(min(START_WINDOWS, half // WINDOW))
            more = ["--windows", count, "--init", "closed-form", "--seed", str(SEED)]
            more += ["--recent", "0", "--align-tokens", "0", *variant.options]
        start = _convert(folder, "start", MODEL, [*common, *layers, *more])
        model, stages = f'name = "{start}"', STAGE.format(name="nonlinear", steps=steps)
    run_file = folder / "run.toml"
    run_file.write_text(
        RUN_FILE.format(
            folder=folder,
            seed=SEED,
            model=model,
            text=text,
            window=WINDOW,
            half=half,
            scored=SCORED,
            teacher=MODEL,
            stages=stages,
        )
    )
    if not steps:
        return {"before": _score(start, text, half), "after": {}}
    if gaincell(["finetune", str(run_file)]):
        raise SystemExit(1)
    found = _trained(folder / "run" / "metrics.json")
    before = _score(start, text, half) if case.recipe == "paper" else found["after"].pop("0")
    return {"before": before} | found


def _convert(folder: Path, name: str, model: str | Path, options: list[str]) -> Path:
    """A converted model's folder, made if it is not there."""
    output = folder / name
    if not output.is_dir() and gaincell(
        ["convert", "--model", str(model), *options, "-o", str(output)]
    ):
        raise SystemExit(1)
    return output


def _score(model: Path | str, text: Path, half: int) -> float:
    """Perplexity on the second half's first windows."""
    loaded, tokenizer = load_model(model)
    ids = tokens_of(text, tokenizer)[half:]
    return perplexity(loaded, windows_of(ids, WINDOW, SCORED)).perplexity


def _trained(metrics: Path) -> dict[str, Any]:
    """Perplexities by steps trained, and of the adaptation, from a run's metrics.json."""
    found = json.loads(metrics.read_text())
    after = {}
    for score in found["scores"]:
        if score["stage"] == "nonlinear":
            done = LINEAR_STEPS if "linear" in found["losses"] else 0
            after[str(done + score["step"])] = score["perplexity"]
    return {"after": after, "adaptation": found["adaptation"], "versions": found["versions"]}


@contextmanager
def _to_stderr() -> Iterator[None]:
    with redirect_stdout(sys.stderr):
        yield


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("build/adaptation"))
    parser.add_argument("--steps", type=int, default=MARKS[-1], help="0: no training")
    parser.add_argument("--cases", help="such as six-ours,all-ours; default: all")
    parser.add_argument("--results", type=Path, default=Path("src/gaincell/data/adaptation.json"))
    parser.add_argument("--picture", type=Path)
    parser.add_argument("-o", "--output", type=Path, help="the table; default: the terminal")
    arguments = parser.parse_args()
    keep_freed_memory()
    torch.manual_seed(SEED)
    check_writable(arguments.results)
    chosen = None if arguments.cases is None else arguments.cases.split(",")
    results = {}
    if arguments.results.is_file():
        results = json.loads(arguments.results.read_text())
    for case in CASES:
        if chosen is not None and case.name not in chosen:
            continue
        with _to_stderr():
            found = run_case(case, arguments.text, arguments.work, arguments.steps)
            if arguments.results.is_file():
                results = json.loads(arguments.results.read_text())
            if "teacher" not in results:
                half = len(tokens_of(arguments.text, load_tokenizer(MODEL))) // 2
                results["teacher"] = _score(MODEL, arguments.text, half)
        results[case.name] = found
        with replacing(arguments.results) as unfinished:
            unfinished.write_text(json.dumps(results, indent=1) + "\n")
    text = table(results)
    if arguments.output is None:
        print(text)
    else:
        with replacing(arguments.output) as unfinished:
            unfinished.write_text(text)
    if arguments.picture is not None:
        draw_adaptation(results, arguments.picture)


if __name__ == "__main__":
    main()
