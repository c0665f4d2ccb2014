"""Perplexity on the arrays by kind of text, by position, and by what attends beside the arrays.

Starts are fitted on texts of four kinds; three others are scored as well, on which nothing is
fitted. ``make texts TEXT="a.txt b.txt"`` writes the tables of docs/do/adaptation.md. Scores are
kept in a JSON file after each case, and only those that are not there are computed.
"""

import argparse
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from design_knobs import FAULTS
from kinds_of_text import collect
from training_text import training_windows

from gaincell.cli import main as gaincell
from gaincell.commands.options.texts import cut_evenly, tokens_of
from gaincell.config import HeadConfig
from gaincell.data.texts import WINDOWS, table
from gaincell.files import check_writable, replacing
from gaincell.ml.evaluate.perplexity import losses_of, windows_of
from gaincell.ml.finetune.data.token_file import write_tokens
from gaincell.ml.finetune.folder import MODEL as MODEL_FOLDER
from gaincell.ml.models.beside.digital_heads import set_digital_heads
from gaincell.ml.models.convert import convert
from gaincell.ml.models.faults import set_faults
from gaincell.ml.models.load import load_model
from gaincell.ml.models.saved.difference import rebuild
from gaincell.ml.models.saved.write import save_model
from gaincell.ml.process.memory import keep_freed_memory
from gaincell.ml.start.needed_heads import needed_heads, probes
from gaincell.pictures.texts import draw_texts

MODEL = "smollm2"
HEAD = {"score_saturation": 40.0, "output_saturation": 10.0}
LONG = 1024
FITTED = 32
"""Windows, a quarter of them from each kind of text."""
RUN = Path(__file__).parents[2] / "docs" / "do" / "runs" / "after_start.toml"
"""How a model is trained."""
SHIPPED = Path(__file__).parents[2] / "docs" / "evidence" / "gpu" / "smollm2.safetensors"
"""What a training on a GPU changed, on other texts than those of the fit."""


@dataclass(frozen=True)
class Case:
    """A model to score.

    options : of ``gaincell convert``; None: the stock model, or softmax over ``recent`` tokens
    digital : heads that leave the arrays then, as ``convert`` chooses them
    trained : whether the model learns the stock model's logits then
    shipped : the model of the file that is shipped, in place of all these
    tokens : lengths of the windows that are scored
    """

    options: tuple[str, ...] | None = None
    recent: int | None = None
    digital: int = 0
    trained: bool = False
    shipped: bool = False
    tokens: tuple[int, ...] = (LONG,)
    faults: bool = False
    head: dict[str, float] = field(default_factory=lambda: HEAD)


def _start(recent: int, *more: str, align: int = 0) -> tuple[str, ...]:
    return (
        *("--recent", str(recent), "--align-tokens", str(align), "--digital-heads", "auto:0"),
        *more,
    )


LENGTHS = (512, LONG, 2048)
PLAIN, ALIGNED = _start(32), _start(32, align=65_536)
CASES = {
    "stock": Case(tokens=LENGTHS),
    "six layers": Case(_start(32, "--layers", "10-15")),
    "recent 0": Case(_start(0)),
    "recent 16": Case(_start(16)),
    "recent 32": Case(PLAIN, tokens=LENGTHS),
    "recent 32, 6 digital heads": Case(PLAIN, digital=6, tokens=LENGTHS),
    "recent 64": Case(_start(64)),
    "recent 32, saturations 80 and 40": Case(_start(32), head={}),
    "aligned": Case(ALIGNED, tokens=LENGTHS),
    "aligned, faults": Case(ALIGNED, faults=True),
    "aligned, 6 digital heads": Case(ALIGNED, digital=6, tokens=LENGTHS),
    "aligned, 6 digital heads, faults": Case(ALIGNED, digital=6, faults=True),
    "aligned, 12 digital heads": Case(ALIGNED, digital=12),
    "aligned, 24 digital heads": Case(ALIGNED, digital=24),
    "trained, 6 digital heads": Case(ALIGNED, digital=6, trained=True, tokens=LENGTHS),
    "trained, 6 digital heads, faults": Case(ALIGNED, digital=6, trained=True, faults=True),
    "shipped": Case(shipped=True, tokens=LENGTHS),
    "shipped, faults": Case(shipped=True, faults=True),
    "six layers, aligned": Case(_start(32, "--layers", "10-15", align=65_536)),
    "softmax over 32": Case(recent=32),
    "recent 32, seed 1": Case((*PLAIN, "--seed", "1")),
    "recent 32, 6 digital heads, seed 1": Case((*PLAIN, "--seed", "1"), digital=6),
}


def model_of(case: Case, work: Path, texts: list[Path]) -> Any:
    """The converted model, made if its folder is not there."""
    model, tokenizer = _converted(case, work, texts)
    if case.digital:
        windows = cut_evenly(
            {path: tokens_of(path, tokenizer, model) for path in texts},
            argparse.Namespace(window=LONG, windows=FITTED, skip=0),
        )
        set_digital_heads(model, needed_heads(model, probes(windows), case.digital))
    if case.trained:
        model = _trained(model, tokenizer, work / f"trained-{case.digital}", texts)
    if case.faults:
        set_faults(model, FAULTS)
    return model


def _converted(case: Case, work: Path, texts: list[Path]) -> tuple[Any, Any]:
    """Model and tokenizer as they were converted."""
    if case.shipped:
        folder = work / "shipped"
        if not folder.is_dir():
            rebuild(MODEL, SHIPPED, folder)
        return load_model(str(folder))
    if case.options is None:
        model, tokenizer = load_model(MODEL)
        if case.recent is not None:
            head = HeadConfig(window=case.recent, columns=case.recent, sink=1)
            convert(model, head, "softmax")
        return model, tokenizer
    work.mkdir(parents=True, exist_ok=True)
    head_file = work / "head.toml"
    if not case.head:
        head_file = work / "paper.toml"
    head_file.write_text("".join(f"{key} = {value}\n" for key, value in case.head.items()))
    name = "-".join(part.strip("-") for part in case.options)
    folder = work / (f"hw-{name}" if case.head else f"paper-{name}")
    if not folder.is_dir():
        options = ["--model", MODEL, "--config", str(head_file), "--init", "closed-form"]
        options += ["--text", *map(str, texts), "--window", str(LONG), "--windows", str(FITTED)]
        if gaincell(["convert", *options, *case.options, "-o", str(folder)]):
            raise SystemExit(1)
    return load_model(str(folder))


def _trained(model: Any, tokenizer: Any, folder: Path, texts: list[Path]) -> Any:
    """A model that has learned the stock model's logits by ``gaincell finetune``."""
    if not (folder / MODEL_FOLDER).is_dir():
        begun, data = folder.with_suffix(".begun"), folder.with_suffix(".bin")
        if not begun.is_dir():
            save_model(model, tokenizer, begun)
        windows = training_windows({path.stem: tokens_of(path, tokenizer, model) for path in texts})
        write_tokens(data, (row.numpy() for row in windows), len(tokenizer), MODEL)
        run_file = folder.with_suffix(".toml")
        text = RUN.read_text(encoding="utf-8")
        for name, path in (("runs/after-start", folder), ("hw", begun), ("texts.bin", data)):
            text = text.replace(f'"{name}"', json.dumps(str(path)))
        run_file.write_text(text, encoding="utf-8")
        if gaincell(["finetune", str(run_file)]):
            raise SystemExit(1)
    return load_model(str(folder / MODEL_FOLDER))[0]


def score(model: Any, ids: torch.Tensor, length: int, windows: int) -> list[list[float]]:
    """Mean loss (W, 4), nats, of each quarter of each window; windows lie evenly in the text."""
    count = min(windows, len(ids) // length)
    step = (len(ids) - length) // max(1, count - 1)
    rows = []
    for begin in range(0, count * step, step) if count > 1 else [0]:
        (window,) = windows_of(ids[begin : begin + length], length)
        losses = losses_of(model, window)
        quarters = losses.tensor_split(4)
        rows.append([round(float(part.mean()), 5) for part in quarters])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", type=Path, nargs="+", required=True, help="cut in halves")
    parser.add_argument("--work", type=Path, default=Path("build/texts"))
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--windows", type=int, default=WINDOWS, help="scored of each text")
    parser.add_argument("--results", type=Path, default=Path("docs/evidence/tables/texts.json"))
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/evidence/tables/texts.md"))
    parser.add_argument("--picture", type=Path, default=Path("docs/pictures/texts.png"))
    arguments = parser.parse_args()
    for path in (arguments.results, arguments.output, arguments.picture):
        check_writable(path)
    keep_freed_memory()
    stock, tokenizer = load_model(MODEL)
    collect(arguments.work, arguments.text, stock, tokenizer)
    fit = sorted((arguments.work / "fit").iterdir())
    texts = {
        path.stem: tokens_of(path, tokenizer, stock)
        for path in sorted((arguments.work / "score").iterdir())
    }
    for name in arguments.cases:
        case = CASES[name]
        asked = [
            (text, length)
            for length in case.tokens
            for text in texts
            if f"{text} {length}" not in _results(arguments.results).get(name, {})
        ]
        if not asked:
            continue
        model = model_of(case, arguments.work, fit)
        for text, length in asked:
            torch.manual_seed(0)
            windows = arguments.windows if length <= LONG else arguments.windows // 2
            found = score(model, texts[text], length, windows)
            results = _results(arguments.results)
            results.setdefault(name, {})[f"{text} {length}"] = found
            with replacing(arguments.results) as unfinished:
                unfinished.write_text(json.dumps(results, indent=0) + "\n")
            print(name, text, length, found, flush=True)
    results = _results(arguments.results)
    with replacing(arguments.output) as unfinished:
        unfinished.write_text(table(results))
    draw_texts(results, arguments.picture)


def _results(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    return found


if __name__ == "__main__":
    main()
