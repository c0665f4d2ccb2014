"""What a start works on: where windows begin, which are fitted, and whose a folder is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from gaincell.config import HeadConfig
from gaincell.files import replacing
from gaincell.ml.evaluate.limits import positions_of
from gaincell.ml.models.families import family_of
from gaincell.ml.models.settings import Settings
from gaincell.ml.start.by_layer.options import StartOptions

NAMES = ("_name_or_path", "architectures", "transformers_version", "attn_implementation")
"""Entries of a model's config that do not change what it computes."""


def positions_for(model: Any, windows: Tensor, options: StartOptions) -> Tensor | None:
    """Positions (W,) at which the windows begin; None: 0.

    Rotary positions turn queries and keys before the maps see them. Maps that have seen one range
    of positions only are useless in another.
    """
    if family_of(model).packed is not None:
        return None
    most = positions_of(model)
    last = options.far if most is None else min(options.far, most - windows.shape[1])
    generator = torch.Generator().manual_seed(options.seed)
    return torch.randint(max(0, last) + 1, (len(windows),), generator=generator, device="cpu")


def fitted_windows(windows: int, options: StartOptions) -> int:
    """How many windows are fitted; the others, at least one, choose the penalties."""
    return windows - max(1, round(options.held_out * windows))


def plan_of(
    model: PreTrainedModel, config: HeadConfig, windows: Tensor, options: StartOptions
) -> dict[str, Any]:
    """Head, options, model and text of a start; JSON can hold it."""
    digest = sha256(windows.cpu().numpy().tobytes())
    for parameter in model.parameters():
        digest.update(parameter.detach().cpu().flatten()[:4096].float().numpy().tobytes())
    head = Settings(config, ()).as_table()["head"]
    given = model.config.to_dict()
    architecture = {name: value for name, value in given.items() if name not in NAMES}
    digest.update(json.dumps(architecture, sort_keys=True, default=str).encode())
    return {"head": head, "options": options.as_table(), "model and text": digest.hexdigest()}


def claim(folder: Path, name: str, plan: Mapping[str, Any]) -> None:
    """Write the plan in a file of the folder, or refuse a folder of another plan."""
    path = folder / name
    wanted = json.dumps(plan, indent=1)
    if path.is_file():
        before = json.loads(path.read_text(encoding="utf-8"))
        changed = [name for name, value in json.loads(wanted).items() if before.get(name) != value]
        if changed:
            raise ValueError(
                f"{folder} holds an unfinished start with another {changed[0]}: finish that one, "
                "or remove the folder"
            )
        return
    folder.mkdir(exist_ok=True)
    with replacing(path) as unfinished:
        unfinished.write_text(wanted + "\n", encoding="utf-8")
