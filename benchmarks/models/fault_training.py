"""What a training with faults on is worth: SmolLM2 on arrays four times as faulty as measured ones.

The shipped model learns the stock model's logits for a few steps: on ideal arrays, on those of one
chip, and on a new chip at every step. Each is scored on ideal arrays, on that chip, and on one it
has not met. ``make fault-training TEXT="a.txt b.txt" SCORE="c.txt"`` writes the table of
docs/do/adaptation.md. Scores are kept after each case.
"""

import argparse
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch
from design_knobs import FAULTS
from texts import MODEL, RUN, SHIPPED, score

from gaincell.cli import main as gaincell
from gaincell.commands.options.texts import tokens_of
from gaincell.data.averages import perplexity_ratio
from gaincell.files import check_writable, replacing
from gaincell.ml.finetune.folder import MODEL as MODEL_FOLDER
from gaincell.ml.models.faults import set_faults
from gaincell.ml.models.load import load_model
from gaincell.ml.models.saved.difference import rebuild
from gaincell.ml.process.memory import keep_freed_memory
from gaincell.text import markdown

TIMES = 4
STRONG = replace(
    FAULTS, **{each.name: TIMES * getattr(FAULTS, each.name) for each in fields(FAULTS)}
)
STEPS, WINDOW, RATE = 40, 256, 5e-5
SCORED = 6
"""Windows of each text."""
BEFORE = "before"
TRAINED = {"ideal arrays": None, "one chip": 0, "a new chip at every step": 1}
"""``redraw`` of [faults]; None: no faults."""
CHIPS = {"ideal": None, "that chip": 1, "another chip": 1000}
"""Seeds of the arrays that score; the training's is the first."""


def model_of(name: str, work: Path, texts: list[Path]) -> Any:
    """The shipped model, trained as ``name`` says if its folder is not there."""
    begun, folder = work / "shipped", work / name.replace(" ", "-")
    if not begun.is_dir():
        rebuild(MODEL, SHIPPED, begun)
    if name == BEFORE:
        return load_model(str(begun))
    if not (folder / MODEL_FOLDER).is_dir():
        text = work / "text.txt"
        text.write_text("\n\n".join(path.read_text(encoding="utf-8") for path in texts))
        run_file = folder.with_suffix(".toml")
        run_file.write_text(_run_file(name, folder, begun, text), encoding="utf-8")
        if gaincell(["finetune", str(run_file)]):
            raise SystemExit(1)
    return load_model(str(folder / MODEL_FOLDER))


def _run_file(name: str, folder: Path, begun: Path, text: Path) -> str:
    """That of ``make texts``, shorter, and with faults."""
    run = RUN.read_text(encoding="utf-8")
    for before, after in (
        ('"runs/after-start"', json.dumps(str(folder))),
        ('"hw"', json.dumps(str(begun))),
        ('token_file = "texts.bin"', f"text = {json.dumps(str(text))}"),
        ("window = 1024", f"window = {WINDOW}"),
        ("accumulation = 2", "accumulation = 1"),
        ("steps = 150", f"steps = {STEPS}"),
        ("\nlearning_rate = 1e-4", f"\nlearning_rate = {RATE}"),
    ):
        if before not in run:
            raise SystemExit(f"{RUN} has no {before}")
        run = run.replace(before, after)
    redraw = TRAINED[name]
    if redraw is None:
        return run
    faults = {each.name: getattr(STRONG, each.name) for each in fields(STRONG)}
    faults |= {"seed": CHIPS["that chip"], "redraw": redraw}
    return run + "[faults]\n" + "".join(f"{key} = {value}\n" for key, value in faults.items())


def table(results: dict[str, dict[str, list[list[float]]]]) -> str:
    """Perplexity over that of the model before training, on ideal arrays."""
    stock = results[BEFORE]["ideal"]
    rows = []
    for name, found in results.items():
        cells = []
        for chip in CHIPS:
            pairs = zip(found[chip], stock, strict=True)
            apart = [(sum(ours) - sum(theirs)) / len(ours) for ours, theirs in pairs]
            cells.append("{:.3f} ± {:.3f}".format(*perplexity_ratio(apart)))
        rows.append((name, *cells))
    return markdown(("trained on", *CHIPS), rows) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", type=Path, nargs="+", required=True, help="to train on")
    parser.add_argument("--score", type=Path, nargs="+", required=True, help="to score")
    parser.add_argument("--work", type=Path, default=Path("build/fault_training"))
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("docs/evidence/tables/fault_training.md")
    )
    arguments = parser.parse_args()
    kept = arguments.work / "scores.json"
    arguments.work.mkdir(parents=True, exist_ok=True)
    check_writable(arguments.output)
    keep_freed_memory()
    results = json.loads(kept.read_text()) if kept.is_file() else {}
    for name in (BEFORE, *TRAINED):
        model, tokenizer = model_of(name, arguments.work, arguments.text)
        for chip, seed in CHIPS.items():
            if chip in results.setdefault(name, {}):
                continue
            set_faults(model, None if seed is None else STRONG, seed or 0)
            results[name][chip] = [
                row
                for path in arguments.score
                for row in score(model, tokens_of(path, tokenizer, model), WINDOW, SCORED)
            ]
            with replacing(kept) as unfinished:
                unfinished.write_text(json.dumps(results))
            print(name, chip, results[name][chip], flush=True)
    with replacing(arguments.output) as unfinished:
        unfinished.write_text(table(results), encoding="utf-8")


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
