"""Writes the sections about language models on the arrays and about GPUs."""

from pathlib import Path
from typing import Any

from gaincell.data import adaptation
from gaincell.gpu_bench.figures import published
from gaincell.pictures.adaptation import draw_adaptation
from gaincell.pictures.bars import Bar, draw_machines, in_units
from gaincell.pictures.learning import draw_learning
from gaincell.report.inputs import Inputs
from gaincell.report.page import Section

HEADS = 12
"""Heads of one layer of GPT-2: the GPU figures are for so many."""
PAPER = next(figure for figure in published() if figure.heads == 1)
"""The paper's figures per token and head. Heads work at the same time."""


def machines(inputs: Inputs) -> Section:
    section = Section("gpus", "Beside GPUs")
    bars = [*_hardware(inputs), *_gpus(inputs)]
    section.text(
        f"Attention of one new token, {HEADS} heads of {inputs.config.head_dim} dimensions and a "
        f"window of {inputs.config.window} tokens."
    )
    section.picture(
        "Time and energy per token. Each step of the scale is a factor of ten.",
        "Bars on scales of powers of ten: " + "; ".join(map(_told, bars)) + ".",
        lambda path: draw_machines(bars, path),
    )
    rows = [
        (
            bar.name,
            "" if bar.time_s is None else in_units(bar.time_s, "s"),
            bar.time_mark if bar.time_s is not None else "",
            "" if bar.energy_j is None else in_units(bar.energy_j, "J"),
            bar.energy_mark if bar.energy_j is not None else "",
        )
        for bar in bars
    ]
    section.table(rows, ("", "time per token", "", "energy per token", ""))
    section.note(
        "The time of a batch is divided by the size of the batch: with one sequence it is a "
        "latency. The energy of a GPU is the energy above its idle power."
    )
    section.note(
        "The published GPU figures divide the time of a batch of 64 by 64 and do not wait for the "
        "GPU. They leave out softmax, or the query sees a single key; the authors do not say "
        "which. gaincell bench-gpu measures with softmax and all keys, and waits."
    )
    return section


def language_models(inputs: Inputs) -> Section:
    section = Section("models", "Language models")
    results = inputs.adaptation
    if results is not None:
        section.text(
            "Perplexity of SmolLM2-135M, measured on text that was not used for fitting. Its "
            "attention is on the arrays, without and with training. docs/understand/starts.md "
            "describes the measurement. The command is"
        )
        section.command("make adaptation TEXT=text.txt")
        section.picture(
            "Perplexity over training steps. "
            "The paper's recipe begins with 100 steps of the linear cell.",
            "Curves that fall with the steps of training, one for each start and recipe, towards "
            f"the stock model's perplexity of {results['teacher']:.1f}. The table below has their "
            "values.",
            lambda path: draw_adaptation(results, path),
        )
        rows = [[cell.replace("`", "") for cell in row] for row in adaptation.rows(results)]
        section.table(rows, adaptation.HEAD)
    learning = inputs.learning
    if learning is not None:
        section.text(
            "Measured: a small model of the shape of GPT-2, trained on the language reference of "
            "Python and converted to the arrays in every way. The command is"
        )
        section.command("make demo-ml")
        section.picture(
            "Loss on held-out text over training steps.",
            "Curves of the loss, in nats per token: " + _last(learning) + ".",
            lambda path: _draw_learning(learning, path),
        )
    if results is None and learning is None:
        section.text("No results of language models are shipped with this version.")
    return section


def _hardware(inputs: Inputs) -> list[Bar]:
    """Bars of our heads and of the paper's."""
    latency_s = float(inputs.simulated.latency_cycles.min()) * inputs.config.clock_s
    energy_j = None
    if inputs.estimate is not None:
        band = inputs.estimate.system(HEADS, 1).energy_j
        energy_j = None if band is None else band.verdict
    paper_j = None if PAPER.energy_j is None else HEADS * PAPER.energy_j
    return [
        Bar(f"gaincell, {HEADS} heads", latency_s, "simulated", energy_j, "estimated"),
        Bar(f"the paper, {HEADS} heads", PAPER.latency_s, "published", paper_j, "published"),
    ]


def _gpus(inputs: Inputs) -> list[Bar]:
    bars = [
        Bar(each.case, each.latency_s, "published", each.energy_j, "published")
        for each in published()
        if each.heads == HEADS
    ]
    if inputs.bench is not None:
        name = inputs.bench.device.name
        for row in inputs.bench.rows:
            energy_j = None if row.energy is None else row.energy.per_token_above_idle_j
            case = f"{name}: {row.case.partition(', ')[2]}"
            bars.append(Bar(case, row.per_token_s, "measured", energy_j, "measured"))
    return bars


def _told(bar: Bar) -> str:
    time = "no time" if bar.time_s is None else in_units(bar.time_s, "s")
    energy = "no energy" if bar.energy_j is None else in_units(bar.energy_j, "J")
    return f"{bar.name}: {time}, {energy}"


def _last(learning: dict[str, Any]) -> str:
    """Where each curve ends."""
    curves = learning["held_out_nats_per_token"].values()
    return "; ".join(f"{each['label']} ends at {each['nats'][-1]:.2f}" for each in curves)


def _draw_learning(learning: dict[str, Any], path: Path) -> None:
    curves = learning["held_out_nats_per_token"]
    demo = learning["config"]["demo"]
    draw_learning(
        {name: (each["steps"], each["nats"]) for name, each in curves.items()},
        {name: each["label"] for name, each in curves.items()},
        (demo["stock_steps"], demo["stock_steps"] + demo["linear_steps"]),
        path,
    )
