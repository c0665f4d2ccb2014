"""Why a language model is of no family that a record could add, as far as the model tells."""

from __future__ import annotations

from typing import Any


def obstacle_of(model: Any) -> str | None:
    """One clause; None: nothing is known against a record for the model's class."""
    config = getattr(model, "config", None)
    parts = [path for path, _ in getattr(model, "named_modules", list)()]
    tensors = [path for path, _ in getattr(model, "named_parameters", list)()]
    if getattr(config, "attn_logit_softcapping", None):
        return "soft caps bend its attention scores, which the arrays do not compute"
    if any(path.endswith(".sinks") for path in tensors):
        return "its softmax has sinks of its own, which the arrays do not compute"
    if getattr(config, "model_type", None) in ("bloom", "mpt") or getattr(config, "alibi", False):
        return "ALiBi adds distances to its attention scores, which the arrays do not compute"
    if any(path.endswith(".post_feedforward_layernorm") for path in parts):
        return "norms follow its attention and its MLP, and no start fits projections before a norm"
    if any(path.endswith(".experts") for path in parts):
        return "its MLPs consist of experts, and the closed-form start fits one projection for each"
    if config is not None and not getattr(model, "_supports_attention_backend", False):
        return "its class does not call the attention functions of transformers"
    return None
