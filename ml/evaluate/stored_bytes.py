"""Bytes that a model keeps of each token that its attention can still see."""

from __future__ import annotations

from typing import Any

from gaincell.ml.evaluate.rivals import EXACT_BITS, GROUP
from gaincell.ml.models.families import head_dim_of
from gaincell.ml.models.hardware_model import HardwareModel
from gaincell.ml.models.settings import Settings

EXACT = ("stock", "softmax", "sinks")


def bytes_per_token(model: Any, attention: str) -> float | None:
    """Keys and values of one token in all layers, without those of recent tokens beside the arrays.

    A number that is not quantised counts ``EXACT_BITS``. On arrays each query head has keys and
    values of its own, unless heads share arrays; a digital head's are exact.

    Returns
    -------
    None for the linear kernel, whose memory does not grow with tokens.
    """
    if attention == "linear-kernel":
        return None
    config = model.config
    own = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    dims, exact_bits = head_dim_of(config), 2 * EXACT_BITS * head_dim_of(config)
    settings = Settings.of(config) if isinstance(model, HardwareModel) else None
    kinds = settings.kinds if settings is not None else ("stock",) * config.num_hidden_layers
    bits = 0.0
    for layer, kind in enumerate(kinds):
        if kind == "stock" or attention in EXACT or settings is None:
            bits += own * exact_bits
        elif attention.startswith("kivi-"):
            # Two numbers for each group: a scale, and the least value.
            number = int(attention.removeprefix("kivi-")) + 2 * EXACT_BITS / GROUP
            bits += own * 2 * dims * number
        elif attention == "converted" and kind == "softmax":
            bits += own * exact_bits
        else:
            digital = len(settings.digital_of(layer))
            arrays = own if settings.shared else config.num_attention_heads - digital
            codes = settings.head.key_bits + settings.head.value_bits
            bits += arrays * dims * codes + digital * exact_bits
    return bits / 8
