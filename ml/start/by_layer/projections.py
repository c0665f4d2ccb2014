"""Projections behind attention and MLP, moved by ridge regression on what the arrays give."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from gaincell.ml.start.by_layer.blocks import Block, batches
from gaincell.ml.start.by_layer.layer_start import LayerStart
from gaincell.ml.start.by_layer.ridge import Fit, Sums, fit_ridge

TINY = 1e-30
MOST_KEPT = 1 << 28
"""Numbers of the MLP's hidden layer that are kept, 1 GiB of them; others are computed twice."""


def with_projection(
    start: LayerStart, outputs: Tensor, wanted: Tensor, weight: Tensor, fitted: int
) -> tuple[LayerStart, float]:
    """With the output projection moved to make up for what outputs lack, and the error then."""
    parts = [
        (part, outputs[part], (wanted[part] - outputs[part]) @ start.out_weight.t())
        for part in batches(len(outputs))
    ]
    fit = ridge_of_windows(iter(parts), weight, fitted)
    lacking = torch.cat([missing for _, _, missing in parts])[fitted:]
    whole = wanted[fitted:] @ start.out_weight.t()
    spread = [_spread(each, weight[fitted:, :, None]) for each in (lacking, whole)]
    error = fit.error * math.sqrt(spread[0] / max(spread[1], TINY))
    return replace(
        start,
        out_weight=start.out_weight + fit.weight.t(),
        out_bias=start.out_bias + fit.bias,
    ), error


def _spread(x: Tensor, weight: Tensor) -> float:
    """Weighted squares of x (W, T, C) about their mean."""
    mean = (x * weight).sum((0, 1)) / weight.sum()
    return float(((x - mean).square() * weight).sum())


class MlpPart:
    """The MLP's part of a layer, from the stream before the layer and its attention's output.

    What the last projection is given is kept for the second use, as far as it fits into memory.
    """

    def __init__(self, block: Block, student: Tensor, added: Tensor) -> None:
        self.block, self.student, self.added = block, student, added
        self._kept: dict[int, tuple[Tensor, Tensor]] = {}

    def missing(self, teacher: Tensor) -> Iterator[tuple[slice, Tensor, Tensor]]:
        """Input of the last projection, and what its output lacks for the teacher's stream."""
        block, kept = self.block, 0
        for part in batches(len(self.student)):
            base, hidden = self._before(part)
            kept += hidden.numel()
            if kept <= MOST_KEPT:
                self._kept[part.start] = base, hidden
            yield part, hidden, (teacher[part] - base) / block.residual - block.down(hidden)

    def finished(self, start: LayerStart) -> Tensor:
        """The stream after the layer with the last projection of ``start``."""
        return torch.cat([self._after(part, start) for part in batches(len(self.student))])

    def _after(self, part: slice, start: LayerStart) -> Tensor:
        if part.start not in self._kept:
            return self.block.finished(self.student[part], self.added[part], start.down, part)
        base, hidden = self._kept.pop(part.start)
        return base + start.down(hidden) * self.block.residual

    def _before(self, part: slice) -> tuple[Tensor, Tensor]:
        """The stream as it is without the last projection's output, and this projection's input."""
        inputs: list[Tensor] = []

        def without(hidden: Tensor) -> Tensor:
            inputs.append(hidden)
            return torch.zeros_like(self.student[:1, :1])

        return self.block.finished(self.student[part], self.added[part], without, part), inputs[0]


def ridge_of_windows(
    parts: Iterator[tuple[slice, Tensor, Tensor]],
    weight: Tensor,
    fitted: int,
    *,
    intercept: bool = True,
) -> Fit:
    """Ridge fit to the first ``fitted`` windows; the other windows choose its penalty."""
    inside, outside = Sums(intercept), Sums(intercept)
    for part, x, y in parts:
        cut = max(0, min(part.stop, fitted) - part.start)
        inside.add(x[:cut], y[:cut], weight[part][:cut])
        outside.add(x[cut:], y[cut:], weight[part][cut:])
    return fit_ridge(inside, outside)
