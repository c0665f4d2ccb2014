"""What changed between a stock model and one on the arrays, in a file small enough to keep.

A weight matrix that the stock model has is kept as singular vectors of its difference, 8 bits a
number with a scale for each vector. The vectors that weigh most for their size are kept, of all
matrices together. Maps are kept whole in 8 bits, with a scale for each row; norms and scalers in
float16. Of a copy of a stock weight, and of one that did not change, only the name is kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from gaincell.files import new_folder, replacing
from gaincell.ml.models.load import load_model
from gaincell.refusals import first_line

KEPT = "config.json", "generation_config.json"
FORMAT = "gaincell difference 1"
LEFT, RIGHT, ROWS, WHOLE, SCALE = "left/", "right/", "rows/", "whole/", "scale/"
MOST_CODE = 127
HEADER = 1 << 18
"""Bytes for the names of the tensors, and more."""
ALIKE = 1e-3
"""Relative difference of a weight's root mean square, up to which stock models are the same."""
Weights = dict[str, Tensor]


def save_difference(
    stock: str | Path, trained: Path, path: Path, most: int, device: torch.device | str = "cpu"
) -> int:
    """Write the difference of a trained model's folder to the stock model; returns its vectors.

    Parameters
    ----------
    most : bytes that the file may have
    device : on which singular vectors are computed

    Raises
    ------
    ValueError
        Without any vector the file has more bytes.
    """
    before, after = _stock_weights(load_model(stock)[0]), _folder_weights(trained)
    tensors: Weights = {}
    factors: dict[str, tuple[Tensor, Tensor]] = {}
    copies: dict[str, str] = {}
    for name, weight in after.items():
        if name in before and weight.dim() == 2 and before[name].shape == weight.shape:
            difference = weight.float() - before[name]
            if difference.any():
                factors[name] = _factors(difference.to(device))
            else:
                copies[name] = name
        elif (copied := _copied(weight, before)) is not None:
            copies[name] = copied
        elif weight.dim() > 2:
            _put(tensors, ROWS + name, weight, -1)
        else:
            tensors[WHOLE + name] = weight if weight.dtype == torch.int64 else weight.half()
    kept = [trained / name for name in KEPT if (trained / name).is_file()]
    metadata = {
        "format": FORMAT,
        "files": json.dumps({path.name: path.read_text(encoding="utf-8") for path in kept}),
        "copies": json.dumps(copies),
        "stock": json.dumps({name: _size(weight) for name, weight in before.items()}),
    }
    used = sum(x.nbytes for x in tensors.values()) + sum(map(len, metadata.values())) + HEADER
    if used > most:
        raise ValueError(f"the difference takes {used} bytes without any vector, above {most}")
    ranks = _ranks(factors, most - used)
    for name, rank in ranks.items():
        left, right = factors[name]
        if rank:
            _put(tensors, LEFT + name, left[:, :rank], 0)
            _put(tensors, RIGHT + name, right[:rank], 1)
        else:
            copies[name] = name
    metadata["copies"] = json.dumps(copies)
    with replacing(path) as unfinished:
        save_file(tensors, unfinished, metadata=metadata)
    return sum(ranks.values())


def rebuild(stock: str | Path, path: Path, folder: Path) -> None:
    """A model's folder from the stock model and the file of ``save_difference``.

    Raises
    ------
    ValueError
        The file is none of ``save_difference``, or of another stock model.
    """
    try:
        with safe_open(path, "pt") as file:
            about = file.metadata() or {}
            found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ValueError(f"difference {path} cannot be read: {first_line(error)}") from error
    if about.get("format") != FORMAT:
        raise ValueError(f'difference {path} has no "{FORMAT}": it holds something else')
    model, tokenizer = load_model(stock)
    weights = _stock_weights(model)
    _check_stock(weights, json.loads(about["stock"]), path, stock)
    changed = {name: weights[other].clone() for name, other in json.loads(about["copies"]).items()}
    for name in found:
        kind, _, own = name.partition("/")
        if f"{kind}/" == WHOLE:
            whole = found[name]
            changed[own] = whole if whole.dtype == torch.int64 else whole.float()
        elif f"{kind}/" == ROWS:
            changed[own] = _get(found, name, -1)
        elif f"{kind}/" == LEFT:
            changed[own] = weights[own] + _get(found, name, 0) @ _get(found, RIGHT + own, 1)
    with new_folder(folder) as made:
        for name, text in json.loads(about["files"]).items():
            (made / name).write_text(text, encoding="utf-8")
        save_file(changed, made / "model.safetensors", metadata={"format": "pt"})
        tokenizer.save_pretrained(made)


def _put(tensors: Weights, name: str, x: Tensor, dim: int) -> None:
    """Codes of x, -127..127, and a scale for each vector along ``dim``."""
    x = x.float()
    scale = x.abs().amax(dim, keepdim=True).clamp_min(1e-30) / MOST_CODE
    tensors[name] = (x / scale).round().to(torch.int8).cpu().contiguous()
    tensors[SCALE + name] = scale.squeeze(dim).cpu().contiguous()


def _get(found: Mapping[str, Tensor], name: str, dim: int) -> Tensor:
    return found[name].float() * found[SCALE + name].unsqueeze(dim)


def _ranks(factors: Mapping[str, tuple[Tensor, Tensor]], room: int) -> dict[str, int]:
    """Vectors of each matrix: those of all whose square is largest for each byte, in ``room``."""
    pairs = []
    for name, (left, right) in factors.items():
        size = len(left) + right.shape[1] + 8  # a code a number, and two scales
        weights = left.square().sum(0) * right.square().sum(1)
        pairs += [(float(weight) / size, size, name) for weight in weights]
    ranks = dict.fromkeys(factors, 0)
    for _, size, name in sorted(pairs, reverse=True):
        if size > room:
            break
        room -= size
        ranks[name] += 1
    return ranks


def _factors(difference: Tensor) -> tuple[Tensor, Tensor]:
    """Left (m, r) and right (r, n), the largest first, each with half of the singular values."""
    tall = difference.shape[0] >= difference.shape[1]
    x = (difference if tall else difference.t()).double()
    values, vectors = torch.linalg.eigh(x.t() @ x)
    root = values.flip(0).clamp(min=1e-30).pow(0.25)
    right = vectors.flip(1)
    left = (x @ right / root).float().cpu()
    right = (right * root).t().float().cpu()
    return (left, right) if tall else (right.t(), left.t())


def _copied(weight: Tensor, stock: Weights) -> str | None:
    """Name of the stock matrix that a weight is a copy of; None: of none."""
    if weight.dim() != 2:
        return None
    alike = (name for name, x in stock.items() if x.shape == weight.shape)
    return next((name for name in alike if torch.equal(stock[name].to(weight), weight)), None)


def _check_stock(weights: Weights, sizes: Mapping[str, float], path: Path, stock: Any) -> None:
    for name, size in sizes.items():
        if name not in weights or abs(_size(weights[name]) - size) > ALIKE * size:
            raise ValueError(f"difference {path} is of another stock model than {stock}: {name}")


def _size(weight: Tensor) -> float:
    """Root mean square."""
    return float(weight.square().mean().sqrt())


def _stock_weights(model: Any) -> Weights:
    return {name: weight.float() for name, weight in model.state_dict().items()}


def _folder_weights(folder: Path) -> Weights:
    weights: Weights = {}
    for file in sorted(folder.glob("model*.safetensors")):
        weights |= load_file(file)
    return weights
