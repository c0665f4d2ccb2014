"""Which layers to put on the arrays: what each costs alone, and perplexity over how many there are.

The texts are cut in two halves: windows of the first ones fit and measure, windows of the others
score. ``make layers TEXT="a.txt b.txt"`` writes the tables and the picture; it goes on where it was
cut off.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gaincell.commands.options.texts import tokens_of
from gaincell.config import HeadConfig
from gaincell.data.layers import COUNTS, STARTS, order_of, table
from gaincell.files import check_writable, replacing
from gaincell.ml.evaluate.perplexity import perplexity, windows_of
from gaincell.ml.models.convert import convert
from gaincell.ml.models.load import load_model
from gaincell.ml.process.memory import keep_freed_memory
from gaincell.ml.start import Sensitivity, StartOptions, closed_form, sensitivities
from gaincell.ml.start.ranges import fit_ranges
from gaincell.pictures.layers import draw_layers

MODEL = "smollm2"
HEAD = HeadConfig(score_saturation=40, output_saturation=10)
WINDOW = 1024
FITTED, RANGED, SCORED = 24, 4, 8
"""Windows of all texts together: for the closed-form starts, for ranges, and for the scores."""
RECENT = 32


class Study:
    """Windows to fit and to score, and the results so far, kept in a file after each step."""

    def __init__(self, texts: Sequence[Path], path: Path) -> None:
        self.path = path
        model, tokenizer = load_model(MODEL)
        ids = [tokens_of(text, tokenizer, model) for text in texts]
        self.fitted = evenly([each[: len(each) // 2] for each in ids], FITTED)
        self.scored = evenly([each[len(each) // 2 :] for each in ids], SCORED)
        self.results: dict[str, Any] = {"alone": {}, "curves": {}}
        if path.is_file():
            self.results = json.loads(path.read_text(encoding="utf-8"))

    def keep(self) -> None:
        with replacing(self.path) as unfinished:
            unfinished.write_text(json.dumps(self.results, indent=1) + "\n", encoding="utf-8")

    def measure_alone(self) -> None:
        """What each layer costs that has not been measured."""
        model, _ = load_model(MODEL)
        count, alone = model.config.num_hidden_layers, self.results["alone"]

        def show(found: Sensitivity) -> None:
            alone[str(found.layer)] = {"nats": found.nats, "error": found.error}
            self.keep()
            print(f"layer {found.layer} alone: {found.nats:.4f} nats per token", flush=True)

        sensitivities(
            model,
            HEAD,
            self.fitted,
            layers=[layer for layer in range(count) if str(layer) not in alone],
            options=StartOptions(recent=RECENT),
            progress=show,
        )

    def measure_curves(self) -> None:
        """Perplexity with the cheapest layers on the arrays, for each start and number of them."""
        order = order_of(self.results)
        if "stock" not in self.results:
            self.results["stock"] = perplexity(load_model(MODEL)[0], self.scored).perplexity
            self.keep()
        for count in COUNTS:
            for start in STARTS:
                curve = self.results["curves"].setdefault(start, {})
                if str(count) not in curve:
                    curve[str(count)] = self.score(start, sorted(order[:count]))
                    self.keep()
                    print(f"{start}, {count} layers: {curve[str(count)]:.2f}", flush=True)

    def score(self, start: str, layers: Sequence[int]) -> float:
        """Perplexity with these layers on the arrays."""
        model, _ = load_model(MODEL)
        if start == "ranges":
            convert(model, HEAD, "hardware", layers)
            fit_ranges(model, self.fitted[:RANGED])
        else:
            recent = RECENT if start == "recent" else 0
            options = StartOptions(recent=recent, align_tokens=0, digital_heads=0)
            closed_form(model, HEAD, self.fitted, layers=layers, options=options)
        return perplexity(model, self.scored).perplexity


def evenly(texts: Sequence[Tensor], count: int) -> Tensor:
    """``count`` windows (count, WINDOW): the first of each text, then the second of each, ...

    Raises
    ------
    ValueError
        A text is too short for its part.
    """
    each = -(-count // len(texts))
    return torch.stack([windows_of(ids, WINDOW, each) for ids in texts], 1).flatten(0, 1)[:count]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", type=Path, nargs="+", required=True)
    parser.add_argument("--no-curves", action="store_true", help="what each layer costs alone only")
    tables = Path("docs/evidence/tables")
    parser.add_argument("--results", type=Path, default=tables / "layers.json")
    parser.add_argument("--picture", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=tables / "layers.md")
    arguments = parser.parse_args()
    for path in (arguments.results, arguments.output):
        check_writable(path)
    keep_freed_memory()
    study = Study(arguments.text, arguments.results)
    study.measure_alone()
    if not arguments.no_curves:
        study.measure_curves()
    with replacing(arguments.output) as unfinished:
        unfinished.write_text(table(study.results), encoding="utf-8")
    if arguments.picture is not None:
        draw_layers(study.results, arguments.picture)


if __name__ == "__main__":
    main()
