"""Stage 1: the closed-form start of all layers, each aligned with its own softmax."""

from __future__ import annotations

import shutil
from time import perf_counter
from typing import Any

import numpy as np
import torch

from gaincell.gpu_run.places import Places
from gaincell.gpu_run.plan import config_of
from gaincell.gpu_run.work.scores import device, peak_gb, scores_of
from gaincell.ml.finetune.data.token_file import read_tokens
from gaincell.ml.models.load import load_model
from gaincell.ml.models.saved.write import save_model
from gaincell.ml.start import Errors, StartOptions, closed_form


def make_start(places: Places) -> dict[str, Any]:
    """The models in ``places.stock`` and ``places.start``.

    Layers that an earlier call fitted are kept.

    Returns
    -------
    Scores of the stock model and of the start, errors of the layers, seconds of the fit.
    """
    plan = places.plan
    model, tokenizer = load_model(places.stock if places.stock.is_dir() else places.given)
    if not places.stock.is_dir():
        save_model(model, tokenizer, places.stock)
    model.to(device())
    stock = scores_of(model, places)
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
    }


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
