"""The tables of docs/evidence/tables/gpu.md, from the records; "not run" where there are none."""

from __future__ import annotations

from collections.abc import Mapping

from gaincell.data.averages import perplexity_ratio
from gaincell.gpu_run.attention_tables import attention_tables
from gaincell.gpu_run.parts import PARTS
from gaincell.gpu_run.plan import STOCK_LEARNS_NOTHING
from gaincell.gpu_run.records import Record, Records
from gaincell.text import markdown

NOT_RUN = "not run"
PART_HEAD = ("part", "", "device", "torch", "revision", "seconds")
MODEL_HEAD = ("model", "tokens", "tokens/s", "half the window", "the window", "twice the window")
MODELS = {
    "start": "stage 1, no training of the model",
    "distilled": "stage 2",
    "difference": "stage 2, from its small file",
    "stock": "stock model trained alike",
    "paper": "the paper's recipe",
}
NO_STOCK = "start did not score the stock model"
Windows = Mapping[str, Mapping[str, list[float]]]


def table(records: Records) -> str:
    """Tables in Markdown: the parts, the models' perplexities, and attention alone."""
    parts = markdown(PART_HEAD, [_part_row(part.name, records) for part in PARTS])
    models = markdown(MODEL_HEAD, [_model_row(name, records) for name in MODELS])
    return "\n\n".join([parts, models, *attention_tables(records)]) + "\n"


def _part_row(name: str, records: Records) -> tuple[str, ...]:
    what = next(part.what for part in PARTS if part.name == name)
    record = records.get(name)
    if record is None:
        return name, what, NOT_RUN, "", "", ""
    if record.state == "failed":
        return name, what, f"{record.device}: failed", *_made(record)
    return name, what, record.device, *_made(record)


def _made(record: Record) -> tuple[str, str, str]:
    return record.versions.get("torch", ""), record.revision[:9], f"{record.seconds:.0f}"


def _model_row(name: str, records: Records) -> tuple[str, ...]:
    """Perplexities over the stock model's: of the worst text, with its standard error."""
    record, first = records.get(name), records.get("start")
    if name == "stock" and record is None and _only_the_teacher(records):
        return MODELS[name], f"1 throughout: {STOCK_LEARNS_NOTHING}", "", "", "", ""
    if record is None or record.state != "done":
        return MODELS[name], NOT_RUN, "", "", "", ""
    tokens = record.figures.get("tokens") or record.figures.get("aligned_tokens")
    rate = record.figures.get("tokens_per_s")
    row = (
        MODELS[name],
        "" if tokens is None else f"{tokens / 1e6:.3g} M",
        "" if rate is None else f"{rate:,.0f}",
    )
    if first is None or first.state != "done":
        return *row, NO_STOCK, "", ""
    stock, found = first.figures["stock"], record.figures["scores"]
    sizes = sorted({int(length) for text in stock.values() for length in text})
    return *row, *(_worst(found, stock, str(length)) for length in sizes)


def _only_the_teacher(records: Records) -> bool:
    """Whether the distillation's loss had no part of the text's own."""
    record = records.get("distilled")
    run = {} if record is None else record.figures.get("run", {})
    weight: float | None = run.get("teacher", {}).get("weight")
    return weight == 1.0


def _worst(found: Windows, stock: Windows, length: str) -> str:
    worst = max((_ratio(found[text][length], stock[text][length]), text) for text in stock)
    (value, error), text = worst
    return f"{value:.3f} ± {error:.3f} ({text})"


def _ratio(found: list[float], stock: list[float]) -> tuple[float, float]:
    """Of two perplexities, and its standard error, from nats per token of the same windows."""
    return perplexity_ratio([ours - theirs for ours, theirs in zip(found, stock, strict=True)])
