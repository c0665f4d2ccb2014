"""What the head's free numbers do to a language model: the sink, the gain, and the keys' bits.

Six layers are converted by the closed-form start for each setting, without training, and score the
other half of the text. ``make knobs TEXT=text.txt`` writes the tables of docs/understand/starts.md.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from gaincell.behavioral.faults import Faults
from gaincell.commands.options.texts import tokens_of
from gaincell.config import HeadConfig
from gaincell.files import check_writable, replacing
from gaincell.ml.evaluate.perplexity import perplexity, windows_of
from gaincell.ml.models.convert import convert
from gaincell.ml.models.faults import set_faults
from gaincell.ml.models.load import load_model
from gaincell.ml.process.memory import keep_freed_memory
from gaincell.ml.start import StartOptions, closed_form
from gaincell.text import markdown

MODEL = "smollm2"
LAYERS = range(10, 16)
TEXT_WINDOW = 512
FITTED, SCORED, SCORED_WITH_FAULTS = 36, 16, 4
"""Windows of the text."""
OPTIONS = StartOptions(recent=0, align_tokens=0, seed=0)
RING = 128
"""Window of the study of the sink: the text is four of it."""
SINKS = (0, 1, 4)
GAINS = (
    (80, 40, 3),
    (80, 40, 4),
    (40, 20, 3),
    (20, 10, 3),
    (20, 10, 4),
    (10, 5, 3),
    (10, 5, 4),
)
"""s_sat, a_sat, key bits; the first are the paper's."""
FAULTS = Faults(
    gain_mismatch=0.014,
    offset_mismatch=0.05,
    ktc_noise_v=0.5e-3,
    read_noise=0.006,
    comparator_offset=0.01,
    ramp_gain_error=0.01,
)
"""Mismatch and noise as a simulation of a gain cell in SkyWater's 130 nm technology gives them
(1.4 % of full-scale charge, 0.5 mV, 0.25 fC of 442 fC); the converters' 1 % are assumed."""


NOT_RUN = "not run"


@dataclass(frozen=True)
class Study:
    """Halves of the text as windows, and the results so far, kept in a file."""

    fitted: Any
    scored: Any
    results: dict[str, dict[str, float]]
    path: Path

    def measure(self, name: str, head: HeadConfig, faults: Faults | None = None) -> None:
        """Convert for ``head`` and score, unless it was done."""
        if name in self.results:
            return
        model, _ = load_model(MODEL)
        bar = tqdm(total=len(LAYERS), desc=name, disable=None)
        closed_form(
            model,
            head,
            self.fitted,
            layers=LAYERS,
            options=OPTIONS,
            progress=lambda *_: bar.update(),
        )
        bar.close()
        found = {"perplexity": perplexity(model, self.scored).perplexity}
        if faults is not None:
            few = self.scored[:SCORED_WITH_FAULTS]
            found["few"] = perplexity(model, few).perplexity
            set_faults(model, faults)
            found["few, faults"] = perplexity(model, few).perplexity
        self.keep(name, found)

    def keep(self, name: str, found: dict[str, float]) -> None:
        self.results[name] = found
        with replacing(self.path) as unfinished:
            unfinished.write_text(json.dumps(self.results, indent=1) + "\n")


def sink_name(sink: int) -> str:
    return f"sink {sink}"


def gain_name(gain: tuple[int, int, int]) -> str:
    return "gain {}/{}, {} bits".format(*gain)


def run(study: Study) -> None:
    if "stock" not in study.results:
        model, _ = load_model(MODEL)
        stock = {"perplexity": perplexity(model, study.scored).perplexity}
        for sink in SINKS:
            convert(model, HeadConfig(window=RING, sink=sink), "softmax", LAYERS)
            stock[sink_name(sink)] = perplexity(model, study.scored).perplexity
        study.keep("stock", stock)
    for sink in SINKS:
        study.measure(sink_name(sink), HeadConfig(window=RING, sink=sink))
    for gain in GAINS:
        s_sat, a_sat, bits = gain
        head = HeadConfig(score_saturation=s_sat, output_saturation=a_sat, key_bits=bits)
        study.measure(gain_name(gain), head, FAULTS)


def report(results: dict[str, dict[str, float]]) -> str:
    """Both tables."""
    stock = results["stock"]
    sinks = []
    for sink in SINKS:
        name = sink_name(sink)
        hard = f"{results[name]['perplexity']:.2f}" if name in results else NOT_RUN
        sinks.append((str(sink), f"{stock[name]:.2f}", hard))
    sinks.append(("stock model, all tokens", f"{stock['perplexity']:.2f}", ""))
    gains = []
    for gain in GAINS:
        found = results.get(gain_name(gain))
        cells = [NOT_RUN] * 3 if found is None else [f"{each:.2f}" for each in found.values()]
        gains.append((*map(str, gain), *cells))
    few = f"{SCORED_WITH_FAULTS} windows"
    measured = (f"ideal, {SCORED} windows", f"ideal, {few}", f"with faults, {few}")
    tables = (
        markdown(("`sink`", "softmax over the same tokens", "hardware"), sinks),
        markdown(("s_sat", "a_sat", "key bits", *measured), gains),
    )
    return "\n\n".join(tables) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument(
        "--results", type=Path, default=Path("docs/evidence/tables/design_knobs.json")
    )
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("docs/evidence/tables/design_knobs.md")
    )
    arguments = parser.parse_args()
    for path in (arguments.results, arguments.output):
        check_writable(path)
    keep_freed_memory()
    _, tokenizer = load_model(MODEL)
    ids = tokens_of(arguments.text, tokenizer)
    half = len(ids) // 2
    results = {}
    if arguments.results.is_file():
        results = json.loads(arguments.results.read_text())
    study = Study(
        windows_of(ids[:half], TEXT_WINDOW, FITTED),
        windows_of(ids[half:], TEXT_WINDOW, SCORED),
        results,
        arguments.results,
    )
    run(study)
    with replacing(arguments.output) as unfinished:
        unfinished.write_text(report(study.results))


if __name__ == "__main__":
    main()
