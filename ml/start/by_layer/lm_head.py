"""Fits lm_head again, to the stream of the converted model."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from gaincell.ml.models.families import family_of
from gaincell.ml.models.hardware_model import HardwareModel
from gaincell.ml.start.by_layer.blocks import batches, parameters_of
from gaincell.ml.start.by_layer.projections import ridge_of_windows


def refit_lm_head(model: HardwareModel, student: Tensor, teacher: Tensor, fitted: int) -> float:
    """Fit lm_head so that the student's last stream (W, T, C) gives the teacher's logits.

    A regression of the teacher's stream on the student's, both behind the last norm, is multiplied
    into lm_head, which is no longer tied to the embedding. Returns the error that is left.
    """
    norm = family_of(model).last_norm_of(model)
    weight = student.new_ones(student.shape[:2])
    weight[:, 0] = 0.0
    with parameters_of(norm, student.dtype):
        parts = (
            (part, norm(student[part]), norm(teacher[part]) - norm(student[part]))
            for part in batches(len(student))
        )
        fit = ridge_of_windows(parts, weight, fitted, intercept=False)
    whole: Any = model
    turned = torch.eye(len(fit.weight)).to(fit.weight) + fit.weight
    before = whole.lm_head.weight.detach()
    whole.lm_head.weight = nn.Parameter((before.to(turned) @ turned.t()).to(before))
    whole.config.tie_word_embeddings = False
    return fit.error
