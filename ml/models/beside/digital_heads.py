"""Heads of a started model that leave the arrays: softmax in digital arithmetic.

A head that copies from far back needs one sharp pulse among a thousand, and few heads do. A digital
head attends to the first token and to as many of the newest ones as other heads have in their
buffers and arrays together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gaincell.ml.models.chosen_heads import Head, by_layer
from gaincell.ml.models.hardware_model import HardwareModel
from gaincell.ml.models.settings import Settings


def set_digital_heads(model: HardwareModel, heads: Iterable[Head]) -> None:
    """Let these heads of a model of the closed-form start, and no others, leave the arrays.

    Raises
    ------
    ValueError
        A layer or head that is not there, or is of a layer without recent tokens.
    """
    settings = Settings.of(model.config)
    chosen = by_layer(model, heads, digital=True)
    digital = tuple((layer, head) for layer in chosen for head in chosen[layer])
    model.config.gaincell = replace(settings, digital=digital).as_table()
    model.attach(Settings.of(model.config))
