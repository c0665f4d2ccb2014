"""A training step of a GPT-2 with random weights: softmax, arrays by kernels, arrays by torch."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from time import perf_counter
from typing import Any

import torch
from transformers import GPT2Config, GPT2LMHeadModel

from gaincell.config import HeadConfig
from gaincell.gpu_run.places import Places
from gaincell.gpu_run.work.scores import device, peak_gb
from gaincell.ml.attention.fused.choice import VARIABLE, implementation_for
from gaincell.ml.models.convert import convert
from gaincell.ml.start.ranges import fit_ranges

WAYS = {"softmax": None, "arrays": "auto", "arrays, torch op": "torch"}
"""What computes attention: the stock model's, or an implementation of the arrays."""
STEPS = 8
"""Timed, after two that are not."""


def measure_step(places: Places) -> dict[str, Any]:
    """Seconds of a step by ``WAYS``, of the sizes of GPT-2 small, with AdamW and bfloat16 autocast.

    With ``tiny`` in the plan's [bench] the model is as small as can be.
    """
    tiny = places.plan.bench.tiny
    head = HeadConfig(head_dim=8, window=16, columns=4) if tiny else HeadConfig()
    sizes = {"n_layer": 2, "n_head": 2, "n_embd": 16, "vocab_size": 50} if tiny else {}
    batch, tokens = (1, 32) if tiny else (16, 1024)
    found: dict[str, Any] = {"batch": batch, "tokens": tokens, "seconds": {}, "peak_gb": {}}
    for way, implementation in WAYS.items():
        torch.manual_seed(0)
        config = GPT2Config(n_positions=tokens, bos_token_id=None, eos_token_id=None, **sizes)
        model: Any = GPT2LMHeadModel(config).to(device())
        ids = torch.randint(model.config.vocab_size, (batch, tokens), device=device())
        if implementation is not None:
            convert(model, head)
            fit_ranges(model, ids[:1])
        with _computed_by(implementation):
            found["seconds"][way] = _seconds(model, ids)
        found["peak_gb"][way] = peak_gb()
        del model
        gc.collect()
    found["kernels"] = implementation_for(head, device())
    found["ratio"] = found["seconds"]["arrays"] / found["seconds"]["softmax"]
    return found


def _seconds(model: Any, ids: torch.Tensor) -> float:
    """Median seconds of a step."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    times = []
    for step in range(STEPS + 2):
        begun = perf_counter()
        with torch.autocast(ids.device.type, torch.bfloat16):
            loss = model(ids, labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if ids.is_cuda:
            torch.cuda.synchronize()
        if step >= 2:
            times.append(perf_counter() - begun)
    return median(times)


@contextmanager
def _computed_by(implementation: str | None) -> Iterator[None]:
    before = os.environ.get(VARIABLE)
    if implementation is not None:
        os.environ[VARIABLE] = implementation
    try:
        yield
    finally:
        os.environ.pop(VARIABLE, None)
        if before is not None:
            os.environ[VARIABLE] = before
