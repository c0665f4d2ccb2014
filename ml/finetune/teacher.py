"""Distillation: a stock model whose logits another one learns."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, kl_div, log_softmax

from gaincell.ml.finetune.settings import Teacher
from gaincell.ml.models.hardware_model import HardwareModel
from gaincell.ml.models.load import load_model


def load_teacher(settings: Teacher, student: str, model: Any, tokenizer: Any) -> Any:
    """The teacher of ``model``, which was just loaded as ``student``; in evaluation mode.

    Raises
    ------
    ValueError
        It cannot be loaded, is on the arrays itself, or has another vocabulary.
    """
    name = settings.name or student
    teacher, own = (deepcopy(model), tokenizer) if name == student else load_model(name)
    if isinstance(teacher, HardwareModel):
        raise ValueError(
            f"the teacher {name} is a converted model: name the stock model in [teacher] name"
        )
    sizes = teacher.config.vocab_size, model.config.vocab_size
    if own.get_vocab() != tokenizer.get_vocab() or sizes[0] != sizes[1]:
        raise ValueError(
            f"the teacher {name} has another vocabulary than the model, {sizes[0]} tokens and "
            f"{sizes[1]}: name a model with the same tokenizer"
        )
    teacher.requires_grad_(False)
    return teacher


def text_loss(logits: Tensor, ids: Tensor) -> Tensor:
    """Mean negative log-likelihood, nats per token, of ids (B, T) given logits (B, T, V)."""
    return cross_entropy(logits[:, :-1].flatten(0, 1).float(), ids[:, 1:].flatten())


def distillation_loss(logits: Tensor, wanted: Tensor, temperature: float) -> Tensor:
    """Mean over tokens of the divergence of two models' logits (B, T, V), times temperature².

    The factor keeps gradients of a size whatever the temperature (Hinton et al. 2015).
    """
    found, target = (
        log_softmax(each if temperature == 1.0 else each / temperature, dim=-1)
        for each in (x[:, :-1].flatten(0, 1).float() for x in (logits, wanted))
    )
    divergence = kl_div(found, target, reduction="batchmean", log_target=True)
    return divergence * temperature**2


@torch.no_grad()
def logits_of(teacher: Any, ids: Tensor) -> Tensor:
    """(B, T, V)"""
    logits: Tensor = teacher(input_ids=ids, use_cache=False).logits
    return logits
