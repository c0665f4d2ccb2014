"""All random generators that a training draws from, as JSON: taken, and put back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gaincell.ml.models.hardware_model import HardwareModel
from gaincell.ml.models.scalers import HeadScalers


def random_state(model: HardwareModel) -> dict[str, Any]:
    """State of Python's, numpy's and torch's generators and of the arrays' noise."""
    version, words, gauss = random.getstate()
    kind, keys, *rest = np.random.get_state(legacy=True)
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {
        "python": [version, list(words), gauss],
        "numpy": [str(kind), np.asarray(keys).tolist(), *rest],
        "torch": _text(torch.get_rng_state()),
        "cuda": [_text(each) for each in cuda],
        "noise": {
            name: _text(generator.get_state()) for name, generator in _noise_of(model).items()
        },
    }


def set_random_state(model: HardwareModel, state: dict[str, Any]) -> None:
    """Put back what ``random_state`` took; of another number of GPUs, theirs is left out."""
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, np.array(keys, dtype=np.uint32), *rest))
    torch.set_rng_state(_bytes(state["torch"]))
    if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([_bytes(each) for each in state["cuda"]])
    for name, generator in _noise_of(model).items():
        generator.set_state(_bytes(state["noise"][name]))


@contextmanager
def undisturbed(model: HardwareModel) -> Iterator[None]:
    """Restore the generators on exit: draws in this context do not change later draws."""
    state = random_state(model)
    try:
        yield
    finally:
        set_random_state(model, state)


def vary_by_process(model: HardwareModel, seed: int, process: int) -> None:
    """Let each of several processes draw dropout and noise of its own."""
    torch.manual_seed(seed + process)
    if process:
        for generator in _noise_of(model).values():
            generator.manual_seed(generator.initial_seed() + (process << 32))


def _noise_of(model: HardwareModel) -> dict[str, torch.Generator]:
    return {
        name: module.noise
        for name, module in model.named_modules()
        if isinstance(module, HeadScalers) and module.noise is not None
    }


def _text(state: Tensor) -> str:
    return bytes(state.tolist()).hex()


def _bytes(text: str) -> Tensor:
    return torch.tensor(list(bytes.fromhex(text)), dtype=torch.uint8)
