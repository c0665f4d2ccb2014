"""Whether a checkpoint held a model's weights, all of them and no others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

WRAPPERS = {
    "_orig_mod.": "torch.compile",
    "_fsdp_wrapped_module.": "FSDP",
    "_checkpoint_wrapped_module.": "activation checkpointing",
    "_forward_module.": "Lightning Fabric",
    "base_model.model.": "PEFT",
    "module.": "DistributedDataParallel",
}
"""What modules that wrap a model put into the names of its weights."""

_BUFFERS = re.compile(r"\.attn\.(bias|masked_bias)$|\.rotary_emb\.inv_freq$")
"""Constants that older versions of transformers saved; models compute them now."""


def check_weights(name: str | Path, info: Mapping[str, Any]) -> None:
    """Refuse a model of which a weight has a random value, or whose checkpoint has one too many.

    Parameters
    ----------
    name : of the model, for the message
    info : loading info of transformers, which leaves out the weight of a tied head

    Raises
    ------
    ValueError
        A weight is missing, has no place in the model, or has another shape than the model's.
    """
    # The head comes last: transformers counts a tied one too where its other weight is missing.
    missing = sorted(info["missing_keys"], key=lambda key: (key.startswith("lm_head."), key))
    unexpected = sorted(key for key in info["unexpected_keys"] if not _BUFFERS.search(key))
    for key, found, wanted in sorted(info["mismatched_keys"]):
        shapes = f"{name} has {key} of shape {tuple(found)}, but the model's is {tuple(wanted)}"
        if tuple(found) == tuple(reversed(wanted)):
            raise ValueError(f"{shapes}: it is transposed, as nanoGPT saves its weights")
        raise ValueError(f"{shapes}: weights and config.json are of two models")
    if missing:
        lacks = f"{name} has no {missing[0]}, of {len(missing)} missing weights"
        if not unexpected:
            raise ValueError(lacks)
        raise ValueError(f"{lacks}, but {unexpected[0]}{_reason(missing, unexpected)}")
    if unexpected:
        raise ValueError(
            f"{name} has {unexpected[0]}, of {len(unexpected)} weights that the model has no place "
            "for: weights and config.json are of two models"
        )


def _reason(missing: list[str], unexpected: list[str]) -> str:
    """Why names differ, if they differ by a part that all of one kind have; else nothing."""
    first = unexpected[0]
    if "." not in first:
        return ": the file is of a whole training; save the model's state_dict alone"
    for part, wrapper in WRAPPERS.items():
        plain = first.replace(part, "")
        if plain != first and any(key.endswith(plain) for key in missing):
            return (
                f": names with {part} are of a model inside {wrapper}; save the model itself, or "
                f"take {part} out of the names"
            )
    for key in missing:
        if first.endswith(key):
            part = first.removesuffix(key)
            return f": take {part} off the names"
        if key.endswith(first):
            return f": put {key.removesuffix(first)} before the names"
    return ""
