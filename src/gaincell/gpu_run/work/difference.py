"""What training changed, in a file small enough to keep: low ranks of each weight's difference."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from gaincell.files import new_folder, replacing
from gaincell.gpu_run.places import Places
from gaincell.gpu_run.work.scores import device, scores_of
from gaincell.ml.models.load import load_model, load_tokenizer

KEPT = "config.json", "generation_config.json"
TYPE = torch.float16
LEFT, RIGHT, WHOLE = "left/", "right/", "whole/"
HEADER = 1 << 17
"""Bytes for the names of the tensors, and more."""


def difference_part(places: Places) -> dict[str, Any]:
    """The distilled model's difference to the stock one, and scores of what comes back from it."""
    trained, most = places.work / "distilled" / "model", int(places.plan.difference_mb * 1e6)
    rank = save_difference(places.stock, trained, places.difference, most)
    folder = places.work / "rebuilt"
    shutil.rmtree(folder, ignore_errors=True)
    rebuild(places.stock, places.difference, folder)
    model = load_model(folder)[0].to(device())
    size = places.difference.stat().st_size
    return {"rank": rank, "bytes": size, "scores": scores_of(model, places)}


def save_difference(stock: Path, trained: Path, path: Path, most: int) -> int:
    """Write the difference of a trained model's folder to the stock model; returns the rank.

    A weight matrix that the stock model has is kept as the largest singular vectors of its
    difference. The rank is the largest with which the file has at most ``most`` bytes. Of a copy of
    a stock weight, and of one that did not change, only the name is kept. Everything else is whole:
    scalers, maps, norms, biases. All numbers are float16.

    Raises
    ------
    ValueError
        Not even rank 1 fits.
    """
    before = _weights(stock)
    after = _folder_weights(trained)
    tensors: dict[str, Tensor] = {}
    factors: dict[str, tuple[Tensor, Tensor]] = {}
    copies: dict[str, str] = {}
    for name, weight in after.items():
        if name in before and weight.dim() == 2 and before[name].shape == weight.shape:
            difference = weight.float() - before[name].float()
            if difference.any():
                factors[name] = _factors(difference)
            else:
                copies[name] = name
        elif (copied := _copied(weight, before)) is not None:
            copies[name] = copied
        else:
            tensors[WHOLE + name] = weight if weight.dtype == torch.int64 else weight.to(TYPE)
    kept = [trained / name for name in KEPT if (trained / name).is_file()]
    about = {path.name: path.read_text(encoding="utf-8") for path in kept}
    metadata = {"files": json.dumps(about), "copies": json.dumps(copies)}
    used = sum(x.nbytes for x in tensors.values()) + sum(map(len, metadata.values())) + HEADER
    of_rank = sum((x.shape[0] + y.shape[1]) * TYPE.itemsize for x, y in factors.values())
    largest = max(min(x.shape[1], y.shape[0]) for x, y in factors.values())
    rank = min(largest, (most - used) // of_rank)
    if rank < 1:
        raise ValueError(
            f"the difference takes {used + of_rank} bytes at rank 1, but may have {most}: raise "
            "difference_mb in the plan"
        )
    for name, (left, right) in factors.items():
        tensors[LEFT + name] = left[:, :rank].to(TYPE).contiguous()
        tensors[RIGHT + name] = right[:rank].to(TYPE).contiguous()
    with replacing(path) as unfinished:
        save_file(tensors, unfinished, metadata=metadata)
    return int(rank)


def rebuild(stock: Path, path: Path, folder: Path) -> None:
    """A model's folder from the stock model and the file of ``save_difference``."""
    weights = _weights(stock)
    changed: dict[str, Tensor] = {}
    with safe_open(path, "pt") as file:
        about, copies = (json.loads(file.metadata()[name]) for name in ("files", "copies"))
        changed |= {name: weights[other].float().clone() for name, other in copies.items()}
        for name in file.keys():  # noqa: SIM118
            kind, _, own = name.partition("/")
            if f"{kind}/" == WHOLE:
                found = file.get_tensor(name)
                changed[own] = found if found.dtype == torch.int64 else found.float()
            elif f"{kind}/" == LEFT:
                product = file.get_tensor(name).float() @ file.get_tensor(RIGHT + own).float()
                changed[own] = weights[own].float() + product
    with new_folder(folder) as whole:
        for name, text in about.items():
            (whole / name).write_text(text, encoding="utf-8")
        save_file(changed, whole / "model.safetensors", metadata={"format": "pt"})
        load_tokenizer(stock).save_pretrained(whole)


def _copied(weight: Tensor, stock: dict[str, Tensor]) -> str | None:
    """Name of the stock matrix that a weight is a copy of; None: of none."""
    if weight.dim() != 2:
        return None
    alike = (name for name, x in stock.items() if x.shape == weight.shape)
    return next((name for name in alike if torch.equal(stock[name].to(weight), weight)), None)


def _factors(difference: Tensor) -> tuple[Tensor, Tensor]:
    """Left (m, r) and right (r, n), the largest first, each with half of the singular values."""
    tall = difference.shape[0] >= difference.shape[1]
    x = (difference if tall else difference.t()).to(device(), torch.float64)
    values, vectors = torch.linalg.eigh(x.t() @ x)
    root = values.flip(0).clamp(min=1e-30).pow(0.25)
    right = vectors.flip(1)
    left = (x @ right / root).cpu()
    right = (right * root).t().cpu()
    return (left, right) if tall else (right.t(), left.t())


def _weights(stock: Path) -> dict[str, Tensor]:
    weights: dict[str, Tensor] = load_model(stock)[0].state_dict()
    return weights


def _folder_weights(folder: Path) -> dict[str, Tensor]:
    weights: dict[str, Tensor] = {}
    for file in sorted(folder.glob("model*.safetensors")):
        weights |= load_file(file)
    return weights
