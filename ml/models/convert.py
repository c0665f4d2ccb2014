"""``convert`` gives layers of a Hugging Face language model attention on the arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from transformers import PreTrainedModel

from gaincell.config import HeadConfig
from gaincell.ml.models.anatomy import check_anatomy
from gaincell.ml.models.families import family_of, head_dim_of, own_window
from gaincell.ml.models.hardware_model import HardwareModel
from gaincell.ml.models.layer import NAME
from gaincell.ml.models.scalers import LAYER_KINDS
from gaincell.ml.models.settings import Settings


def convert(
    model: PreTrainedModel,
    config: HeadConfig,
    kind: str = "hardware",
    layers: Sequence[int] | None = None,
) -> Any:
    """Give a model's layers attention on gain-cell arrays; the model itself is changed.

    Parameters
    ----------
    model : of a class in ``gaincell.ml.models.families``, stock or converted before
    config : the head of every layer on hardware
    kind : "hardware", "linear", "softmax" (over the window) or "stock" (softmax over all tokens)
    layers : numbers of the layers to convert, all by default; the others do not change

    Returns
    -------
    The model, now a ``HardwareModel``. A layer that had no scalers gets scalers for values of
    standard deviation 1; ``fit_ranges`` or ``closed_form`` fit them to the model's own values.

    Raises
    ------
    TypeError
        A model of a family without a record, or a config that is no ``HeadConfig``.
    ValueError
        Another kind, layers that are not there, a head of another dimension, a head's window longer
        than the model's own, a model that is not as its stock class builds it, or softmax attention
        for a layer whose weights the closed-form start fitted to the arrays.
    """
    check_conversion(model, config, kind, layers)
    family = family_of(model)
    count: int = model.config.num_hidden_layers
    chosen = range(count) if layers is None else layers
    before = Settings(config, ("stock",) * count)
    if isinstance(model, HardwareModel):
        before = Settings.of(model.config)
    kinds = [kind if layer in chosen else before.kinds[layer] for layer in range(count)]
    maps, first = (
        tuple(layer for layer in layers if kinds[layer] != "stock")
        for layers in (before.maps, before.first)
    )
    digital = tuple(each for each in before.digital if each[0] in maps)
    settings = replace(
        before, head=config, kinds=tuple(kinds), maps=maps, first=first, digital=digital
    )
    if not isinstance(model, HardwareModel):
        model.__class__ = family.hardware
        model.config.__class__ = family.hardware.config_class
        model.config.architectures = [family.hardware.__name__]
        model.config._attn_implementation = NAME
        model.hook_layers()
        family.stop_dropout(model)
    model.config.gaincell = settings.as_table()
    model.attach(settings)
    return model


def check_conversion(
    model: PreTrainedModel,
    config: HeadConfig,
    kind: str = "hardware",
    layers: Sequence[int] | None = None,
) -> None:
    """Refuse what ``convert`` would refuse; the model is not changed."""
    if not isinstance(config, HeadConfig):
        raise TypeError(f"config is {type(config).__name__}, but must be HeadConfig")
    if kind not in LAYER_KINDS:
        raise ValueError(f"kind is {kind!r}, but must be one of {', '.join(LAYER_KINDS)}")
    family = family_of(model)
    for name, parameter in model.named_parameters():
        if parameter.is_meta:
            raise ValueError(f"{name} is not in memory: load the model without offloading it")
    if not isinstance(model, HardwareModel):
        check_anatomy(model, family)
    started = Settings.of(model.config).started if isinstance(model, HardwareModel) else ()
    count: int = model.config.num_hidden_layers
    wrong = [layer for layer in layers or () if not 0 <= layer < count]
    if wrong:
        raise ValueError(f"layers names {wrong[0]}, but must be 0..{count - 1}")
    dims = head_dim_of(model.config)
    if dims != config.head_dim:
        raise ValueError(
            f"the model's heads have {dims} dimensions, but head_dim of the config is "
            f"{config.head_dim}"
        )
    for layer in range(count) if layers is None else layers:
        own = own_window(model.config, layer)
        if kind != "stock" and own is not None and own < config.window:
            raise ValueError(
                f"layer {layer} of the model sees {own} tokens, its own sliding window, but window "
                f"of the config is {config.window}: choose {own} or less"
            )
        if kind in ("stock", "softmax") and layer in started:
            raise ValueError(
                f"the closed-form start fitted the weights of layer {layer} to the arrays, and "
                f'they are wrong for kind "{kind}": load the model that it began with'
            )
