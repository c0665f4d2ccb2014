"""All inputs of a run, loaded and checked before its first step; nothing is written."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from gaincell.config import HeadConfig
from gaincell.config_file import load_config
from gaincell.ml.evaluate.limits import check_length
from gaincell.ml.finetune.data.sources import tokens_of
from gaincell.ml.finetune.data.token_file import Tokens
from gaincell.ml.finetune.data.windows import Windows, fingerprint, first_windows
from gaincell.ml.finetune.run_file import RunFile
from gaincell.ml.finetune.settings import Source
from gaincell.ml.finetune.teacher import load_teacher
from gaincell.ml.models.convert import convert
from gaincell.ml.models.hardware_model import HardwareModel
from gaincell.ml.models.load import load_model
from gaincell.ml.models.settings import Settings
from gaincell.ml.start.moments import ARRAYS
from gaincell.ml.start.ranges import fit_ranges

KIND = {"linear": "linear", "nonlinear": "hardware"}
"""The kind of the layers on the arrays in each stage."""


@dataclass(frozen=True)
class Start:
    """A run about to begin.

    model : the model as the first stage trains it, or as [adapt] takes it
    head : config of the nonlinear model's heads
    layers : numbers of the layers on the arrays
    tokens : the text to learn from
    held_out, adapting : windows (W, T) of text to score and to adapt on, or None
    """

    model: Any
    tokenizer: Any
    teacher: Any
    head: HeadConfig
    layers: list[int]
    tokens: Tokens
    held_out: Tensor | None
    adapting: Tensor | None

    def identity(self) -> dict[str, Any]:
        """Conditions that must not change while a run goes on, beside its run file."""
        return {
            "processes": processes(),
            "threads": torch.get_num_threads(),
            "head": {name: _plain(value) for name, value in self.head.fields_set().items()},
            "data": fingerprint(self.tokens),
        }


def processes() -> int:
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def prepare(
    settings: RunFile, *, fit: bool, layers_of: Callable[[str | None], Sequence[int] | None]
) -> Start:
    """Load all models and texts that the run file names.

    Parameters
    ----------
    fit : fit the scalers of a stock model; not needed where a checkpoint has them
    layers_of : reads a list of layers

    Raises
    ------
    TypeError, ValueError
        An input is missing or wrong, so that the run cannot begin.
    """
    model, tokenizer = load_model(settings.model.name)
    vocabulary = model.config.vocab_size
    tokens = tokens_of(settings.data, tokenizer, vocabulary)
    window = settings.data.window
    Windows(tokens, window, 0, 0, 0)
    check_length(model, window, f"[data] window is {window}")
    held_out = None
    if settings.held_out is not None:
        source: Source = settings.held_out
        if not source.sources:
            own = settings.data
            source = replace(own, skip=source.skip, tokens=source.tokens)
        scored = tokens_of(source, tokenizer, vocabulary)
        held_out = first_windows(scored, window, settings.held_out.windows, "[held_out]")
    teacher = None
    if settings.teacher is not None:
        teacher = load_teacher(settings.teacher, settings.model.name, model, tokenizer)
    fitting = first_windows(tokens, window, settings.model.fit_windows, "[model] fit_windows")
    head, layers = _convert(model, settings, fitting if fit else None, layers_of)
    adapting = None
    if settings.nonlinear is not None and "linear" in Settings.of(model.config).kinds:
        count = 4 if settings.adapt is None else settings.adapt.windows
        adapting = first_windows(tokens, window, count, "[adapt] windows")
    elif settings.adapt is not None:
        raise ValueError(
            "[adapt] moves a linear model to the real cell, but no layer is of kind linear: give "
            "[linear], or leave out [adapt]"
        )
    return Start(model, tokenizer, teacher, head, layers, tokens, held_out, adapting)


def _convert(
    model: Any,
    settings: RunFile,
    fitting: Tensor | None,
    layers_of: Callable[[str | None], Sequence[int] | None],
) -> tuple[HeadConfig, list[int]]:
    """Bring the model to its first stage; the head, and the layers on the arrays."""
    asked = settings.model
    first = settings.stages[0][0]
    if isinstance(model, HardwareModel):
        if asked.layers is not None:
            raise ValueError(
                f"[model] layers is {asked.layers}, but {asked.name} is converted already: "
                "leave it out"
            )
        now = Settings.of(model.config)
        layers = [layer for layer, kind in enumerate(now.kinds) if kind in ARRAYS]
        if not layers:
            raise ValueError(
                f"no layer of {asked.name} is of kind linear or hardware: convert it again"
            )
        head = now.head if asked.config is None else load_config(asked.config)
        linear = [layer for layer in layers if now.kinds[layer] == "linear"]
        if first == "linear":
            convert(model, head, "linear", layers)
        elif not linear and asked.config is not None:
            convert(model, head, "hardware", layers)
        return head, layers
    if asked.config is None:
        raise ValueError(
            f'{asked.name} is not converted: give [model] config, such as "gpt2", the head to '
            "convert it for"
        )
    head = load_config(asked.config)
    convert(model, head, KIND[first], layers_of(asked.layers))
    if fitting is not None:
        fit_ranges(model, fitting)
    kinds = Settings.of(model.config).kinds
    return head, [layer for layer, kind in enumerate(kinds) if kind in ARRAYS]


def use_float32(model: HardwareModel, layers: Sequence[int]) -> None:
    """Let the layers' scalers and arrays compute in float32, whatever the rest does."""
    for layer in layers:
        model.scalers(layer).dtype = torch.float32


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
