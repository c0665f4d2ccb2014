"""The results of ``gaincell evaluate``: the table of the terminal and the JSON file."""

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gaincell.behavioral.faults import Faults
from gaincell.commands.options.layers import kinds_of
from gaincell.files import replacing
from gaincell.text import grid, table
from gaincell.versions import versions

if TYPE_CHECKING:
    from torch import Tensor

    from gaincell.config import HeadConfig
    from gaincell.ml.evaluate.evaluation import Result, Row
    from gaincell.ml.evaluate.tasks import Task

PACKAGES = ("torch", "transformers", "lm_eval", "datasets", "numpy")


def as_table(
    arguments: argparse.Namespace,
    model: Any,
    texts: Mapping[str, "Tensor"],
    tasks: Sequence["Task"],
    results: Sequence["Result"],
) -> str:
    """One row for each attention, one column for each text and task, and what they mean below."""
    first = results[0]
    mains = {task.name: first.tasks[task.name].main for task in tasks}
    rows = [["attention", *texts, *mains], ["", *("perplexity" for _ in texts), *mains.values()]]
    for result in results:
        scores = [_shown(finite(result.texts[name].perplexity), None) for name in texts]
        scores += [_shown(*result.tasks[name].metrics[main]) for name, main in mains.items()]
        rows.append([result.row.name, *scores])
    return f"{grid(rows)}\n\n{table(_notes(arguments, model, texts, tasks, results))}"


def _shown(value: float | None, error: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if error is None else f"{value:.4g} ± {error:.2g}"


def _notes(
    arguments: argparse.Namespace,
    model: Any,
    texts: Mapping[str, "Tensor"],
    tasks: Sequence["Task"],
    results: Sequence["Result"],
) -> list[tuple[str, str]]:
    notes = [("model", f"{arguments.model}: {kinds_of(model)}")]
    if kinds_of(model) != "stock":
        notes += _meanings(arguments, model, results)
    for name, windows in texts.items():
        count = "1 window" if len(windows) == 1 else f"{len(windows)} windows"
        notes.append((name, f"{count} of {windows.shape[1]} tokens"))
    for task in tasks:
        scored = results[0].tasks[task.name].examples
        shots = f", {task.few_shot} solved before each" if task.few_shot else ""
        notes.append((task.name, f"{scored} of {task.examples} examples{shots}"))
    return notes


def _meanings(
    arguments: argparse.Namespace, model: Any, results: Sequence["Result"]
) -> list[tuple[str, str]]:
    """What each row's layers on the arrays compute, and whose weights the rows have."""
    from gaincell.ml.evaluate.attentions import ON_ARRAYS, RIVALS
    from gaincell.ml.models.settings import Settings

    head = Settings.of(model.config).head
    window = f"the last {head.window} tokens" + (f" and the first {head.sink}" if head.sink else "")
    meanings = {
        "converted": "the layers not stock as they were converted",
        "hardware": f"the config's cell ({head.cell}) in those layers",
        "linear": "the linear cell in those layers",
        "softmax": f"softmax over {window} in those layers",
        "stock": "softmax over all earlier tokens in all layers",
        "linear-kernel": f"a linear kernel over {window} in those layers",
        "sinks": f"softmax over {_reach(head)} in those layers",
        "kivi-4": "softmax over all tokens from keys and values of 4 bits, after KIVI",
        "kivi-2": "softmax over all tokens from keys and values of 2 bits, after KIVI",
    }
    rows = [result.row for result in results]
    notes = [(name, meanings[name]) for name in dict.fromkeys(row.attention for row in rows)]
    if any(row.attention in RIVALS for row in rows):
        notes.append(("stored", f"{_stored(rows)} bytes of a token"))
    if arguments.faults is not None:
        notes.append(("faults", f"{arguments.faults}, seed {arguments.seed}"))
    if borrowed := [row.name for row in rows if row.attention not in ON_ARRAYS]:
        whose = f"those of {arguments.baseline}"
        if arguments.baseline is None:
            whose = "the model's own; if it was trained since, give the one before as --baseline"
        notes.append(("weights", f"of {', '.join(borrowed)}: {whose}"))
    return notes


def _reach(head: "HeadConfig") -> str:
    """What "sinks" sees of a head's tokens, in words."""
    from gaincell.ml.evaluate.rivals import sinks_of

    reach = sinks_of(head)
    return f"the last {reach.window} tokens and the first {reach.sink}"


def _stored(rows: Sequence["Row"]) -> str:
    """Bytes that each row keeps of a token, in all layers."""
    from gaincell.ml.evaluate.stored_bytes import bytes_per_token

    found = {row.attention: bytes_per_token(row.model, row.attention) for row in rows}
    return ", ".join(f"{name} {size:.0f}" for name, size in found.items() if size is not None)


def write_json(
    arguments: argparse.Namespace,
    model: Any,
    faults: Faults | None,
    texts: Mapping[str, "Tensor"],
    tasks: Sequence["Task"],
    results: Sequence["Result"],
) -> None:
    """All results and what they were made from."""
    whole = {
        "versions": versions(*PACKAGES),
        "model": _model(arguments, model),
        "baseline": arguments.baseline,
        "faults": None if faults is None else asdict(faults),
        "seed": arguments.seed,
        "texts": {
            name: {
                "windows": len(windows),
                "window_tokens": windows.shape[1],
                "skipped_tokens": arguments.skip,
            }
            for name, windows in texts.items()
        },
        "tasks": {
            task.name: {
                "source": task.source,
                "version": task.own.VERSION,
                "examples": task.examples,
                "scored_examples": results[0].tasks[task.name].examples,
                "few_shot": task.few_shot,
                "main_metric": results[0].tasks[task.name].main,
            }
            for task in tasks
        },
        "limit": arguments.limit,
        "batch_size": arguments.batch_size,
        "max_length": arguments.max_length,
        "rows": [_row(result) for result in results],
    }
    with replacing(arguments.output) as unfinished:
        unfinished.write_text(json.dumps(whole, indent=2, allow_nan=False) + "\n")


def _model(arguments: argparse.Namespace, model: Any) -> dict[str, Any]:
    """Name, and the head and the layers' kinds if it is converted."""
    from gaincell.ml.models.hardware_model import HardwareModel
    from gaincell.ml.models.settings import Settings

    described: dict[str, Any] = {"name": arguments.model, "dtype": str(model.dtype)}
    if isinstance(model, HardwareModel):
        settings = Settings.of(model.config)
        described |= {"head": asdict(settings.head), "layers": list(settings.kinds)}
    return described


def _row(result: "Result") -> dict[str, Any]:
    from gaincell.ml.evaluate.stored_bytes import bytes_per_token

    return {
        "attention": result.row.attention,
        "bytes_per_token": bytes_per_token(result.row.model, result.row.attention),
        "faults": result.row.faults is not None,
        "weights": "baseline" if result.row.baseline else "model",
        "texts": {
            name: {
                "perplexity": finite(score.perplexity),
                "nats": finite(score.nats),
                "predicted_tokens": score.tokens,
            }
            for name, score in result.texts.items()
        },
        "tasks": {
            name: {
                metric: {"value": value, "stderr": error}
                for metric, (value, error) in score.metrics.items()
            }
            for name, score in result.tasks.items()
        },
    }


def finite(value: float) -> float | None:
    """JSON has no infinite numbers."""
    return value if math.isfinite(value) else None
