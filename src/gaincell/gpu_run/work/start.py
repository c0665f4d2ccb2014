"""Stage 1: the closed-form start of all layers, each aligned with its own softmax."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch

from gaincell.files import replacing
from gaincell.gpu_run.places import SLIM, SMALL_START, Places
from gaincell.gpu_run.plan import config_of
from gaincell.gpu_run.records import FILE, read_records, write_records
from gaincell.gpu_run.work.scores import Scores, device, peak_gb, scores_of
from gaincell.ml.finetune.data.token_file import read_tokens
from gaincell.ml.models.load import load_model, load_tokenizer, load_weights
from gaincell.ml.models.saved.difference import rebuild, save_difference
from gaincell.ml.models.saved.write import save_model
from gaincell.ml.start import Errors, StartOptions, closed_form


def make_start(places: Places) -> dict[str, Any]:
    """The models in ``places.stock`` and ``places.start``, and the start's small file.

    Scores of the stock model and layers that an earlier call made are kept.

    Returns
    -------
    Scores of the stock model and of the start, errors of the layers, seconds of the fit.
    """
    plan = places.plan
    model, tokenizer = stock_model(places)
    model.to(device())
    stock = _stock_scores(model, places)
    layers: dict[int, Errors] = {}
    begun = perf_counter()

    def told(layer: int, errors: Errors | None) -> None:
        if errors is not None:
            layers[layer] = errors
        kept = "kept" if errors is None else f"error {errors.attention:.3f}"
        print(f"layer {layer}: {kept}, {perf_counter() - begun:.0f} s", flush=True)

    if not places.start.is_dir():
        options = StartOptions(
            rounds=plan.start.rounds,
            recent=plan.start.recent,
            align_tokens=plan.start.align_tokens,
            align_batch=plan.start.align_batch,
            seed=plan.start.seed,
        )
        kept = places.work / "start-layers"
        head = config_of(places.prepared, plan.head)
        closed_form(model, head, _windows(places), options=options, folder=kept, progress=told)
        fitted = perf_counter() - begun
        save_model(model, tokenizer, places.start)
        shutil.rmtree(kept)
    else:
        fitted = 0.0
        model = load_model(places.start)[0].to(device())
    return {
        "stock": stock,
        "scores": scores_of(model, places),
        "attention_errors": {str(layer): found.attention for layer, found in layers.items()},
        "fit_seconds": fitted,
        "aligned_tokens": plan.start.align_tokens * model.config.num_hidden_layers,
        "peak_gb": peak_gb(),
        "small_file": _small_file(places),
    }


def adopt(places: Places, folder: Path) -> None:
    """Take up the start of another machine from what its calls kept in ``folder``.

    Its records and figures are taken up too: what is recorded there is not run again. The start
    comes from its small file, so it lacks what the low rank left out.

    Raises
    ------
    ValueError
        The folder has no record of a start, or no small file.
    """
    records, file = read_records(folder / FILE), folder / SMALL_START
    if "start" not in records or records["start"].state != "done" or not file.is_file():
        raise ValueError(f"{folder} holds no start: it needs {FILE} with one, and {SMALL_START}")
    stock_model(places)
    shutil.rmtree(places.start, ignore_errors=True)
    rebuild(places.stock, file, places.start)
    shutil.copyfile(file, places.small_start)
    for name, record in records.items():
        if record.state == "done":
            about = {"device": record.device, "versions": dict(record.versions)}
            places.write_figures(name, about | {"figures": dict(record.figures)})
    write_records(places.work / FILE, records)


def stock_model(places: Places) -> tuple[Any, Any]:
    """The stock model and its tokenizer; they are in ``places.stock`` then."""
    if places.stock.is_dir():
        return load_model(places.stock)
    slim = places.given / SLIM
    if slim.is_file():
        model, tokenizer = load_weights(slim), load_tokenizer(places.given)
    else:
        model, tokenizer = load_model(places.given)
    save_model(model, tokenizer, places.stock)
    return model, tokenizer


def _stock_scores(model: Any, places: Places) -> Scores:
    kept = places.work / "stock-scores.json"
    if not kept.is_file():
        with replacing(kept) as unfinished:
            unfinished.write_text(json.dumps(scores_of(model, places)) + "\n", encoding="utf-8")
    found: Scores = json.loads(kept.read_text(encoding="utf-8"))
    return found


def _small_file(places: Places) -> dict[str, int] | None:
    """Vectors and size of the start's small file; None: the plan has none."""
    most = int(places.plan.start.keep_mb * 1e6)
    if not most:
        return None
    vectors = save_difference(places.stock, places.start, places.small_start, most, device())
    return {"vectors": vectors, "bytes": places.small_start.stat().st_size}


def _windows(places: Places) -> torch.Tensor:
    """Windows (W, T) from all parts of the text to learn from."""
    plan = places.plan
    tokens = read_tokens(places.learned)[0]
    there = len(tokens) // plan.window
    count = min(plan.start.windows, there)
    if count < 2:
        raise ValueError(f"the text to learn from makes {there} windows, but the start needs 2")
    begins = np.linspace(0, there - 1, count).astype(int) * plan.window
    rows = [np.asarray(tokens[begin : begin + plan.window], dtype=np.int64) for begin in begins]
    return torch.from_numpy(np.stack(rows))
