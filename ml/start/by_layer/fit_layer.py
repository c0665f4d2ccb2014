"""One layer's start: its maps, then its projections by ridge regression on the arrays' outputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gaincell.config import HeadConfig
from gaincell.ml.start.by_layer.align import align
from gaincell.ml.start.by_layer.blocks import Block, Heads, batches
from gaincell.ml.start.by_layer.layer_start import LayerStart, joined
from gaincell.ml.start.by_layer.options import StartOptions
from gaincell.ml.start.by_layer.ridge import Fit, Sums, fit_ridge
from gaincell.ml.start.by_layer.score_fit import fit_scores
from gaincell.ml.start.by_layer.spectral import Maps, spectral_maps

SPECTRAL_WINDOWS = 24
"""Windows for the covariances of the spectral maps, at most."""
FIRST_WEIGHT = 0.1
"""Weight of the first tokens in the fit of the MLP's last projection; all other tokens have 1 in
all. First tokens are attention's sink and must not change. The best of 0, 0.1, 1 and 10 on SmolLM2.
"""


@dataclass(frozen=True)
class Errors:
    """Relative root mean square errors on the held-out windows; 1 is no better than the mean.

    attention : error of attention's contribution to the stream
    down : error of the stream after the layer, relative to the error with the stock projection;
        None: not fitted
    """

    attention: float
    down: float | None


def fit_layer(
    block: Block,
    config: HeadConfig,
    student: Tensor,
    teacher: Tensor,
    fitted: int,
    options: StartOptions,
    generator: torch.Generator,
) -> tuple[LayerStart, Errors, Tensor]:
    """Start of one layer from streams (W, T, C); the first ``fitted`` windows are fitted.

    Parameters
    ----------
    student : the stream into the layer of the converted model
    teacher : the stream out of the layer of the original model

    Returns
    -------
    The start, its errors, and the stream that leaves the layer of the converted model.
    """
    heads = Heads.joined([block.heads(student[part], part) for part in batches(len(student))])
    q, k, v = heads.q, heads.k, heads.v
    keys = k.repeat_interleave(heads.group, 1)
    few = slice(0, min(fitted, SPECTRAL_WINDOWS))
    maps = spectral_maps(q[few], keys[few], config, scale=heads.scale, window=heads.window)
    for number in range(options.rounds):
        drawn = torch.randperm(fitted, generator=generator)[: options.round_windows]
        step = options.round_step * (0.5 if number >= options.rounds * 2 / 3 else 1.0)
        maps, _ = fit_scores(
            q[drawn],
            keys[drawn],
            config,
            maps,
            scale=heads.scale,
            window=heads.window,
            full_pulse=options.full_pulse,
            step=step,
        )
    start = _with_values(block, maps, v[:fitted], heads.group, config, options.value_sigmas)
    del keys
    weight = inverse_square(student)
    target = torch.cat([block.out(joined(heads[part].softmax())) for part in batches(len(q))])

    def answered(now: LayerStart) -> tuple[LayerStart, Tensor, Fit]:
        """The layer with its output projection fitted, its codes (W, T, H * D), and the fit."""
        y = torch.cat([joined(now.codes(q[p], k[p], v[p], config)) for p in batches(len(q))])
        fit = ridge_of_windows(((p, y[p], target[p]) for p in batches(len(q))), weight, fitted)
        return replace(now, out_weight=fit.weight.t(), out_bias=fit.bias), y, fit

    if options.align_tokens:
        out = block.out
        projection = out.weight.to(q)
        bias = None if out.bias is None else out.bias.to(q)
        start = align(start, heads[:fitted], projection, bias, weight, config, options, generator)
    start, y, fit = answered(start)
    added = torch.cat([start.attended(y[p], v[p]) for p in batches(len(y))])
    if options.refit == "attention":
        return start, Errors(fit.error, None), _finished(block, start, student, added)
    weight = inverse_square(teacher)
    weight[:, 0] = FIRST_WEIGHT * (teacher.shape[1] - 1)
    biased = block.down.bias is not None
    down = ridge_of_windows(
        _missing(block, student, added, teacher), weight, fitted, intercept=biased
    )
    start = replace(
        start,
        down_weight=start.down_weight + down.weight.t(),
        down_bias=start.down_bias + down.bias,
    )
    return start, Errors(fit.error, down.error), _finished(block, start, student, added)


def pass_layer(
    block: Block, config: HeadConfig, start: LayerStart | None, stream: Tensor
) -> Tensor:
    """The stream (W, T, C) after a layer with ``start``, or after the original layer if None."""
    after = torch.empty_like(stream)
    for part in batches(len(stream)):
        if start is None:
            after[part] = block.after(stream[part], part)
        else:
            heads = block.heads(stream[part], part)
            y = joined(start.codes(heads.q, heads.k, heads.v, config))
            added = start.attended(y, heads.v)
            after[part] = block.finished(stream[part], added, start.down, part)
    return after


def inverse_square(stream: Tensor) -> Tensor:
    """Weight (W, T) of each token: 1 over its mean square, 0 for the first token.

    Norms scale all tokens to one size, so that errors count relative to the token.
    """
    weight = 1 / stream.square().mean(2).clamp(min=1e-12)
    weight[:, 0] = 0.0
    return weight / weight.mean()


def _with_values(
    block: Block, maps: Maps, v: Tensor, group: int, config: HeadConfig, sigmas: float
) -> LayerStart:
    """A start of these maps, maps of the values (W, H_kv, T, D), and the model's projections."""
    mean = v[:, :, 1:].mean((0, 2))  # (H_kv, D)
    std = v[:, :, 1:].var((0, 2)).mean(1).sqrt()
    gain = (0.5 / (sigmas * std.clamp(min=1e-9))).repeat_interleave(group)
    eye = torch.eye(v.shape[3]).to(v)
    center = config.center_v / config.full_scale_v
    offset = center - mean.repeat_interleave(group, 0) * gain[:, None]
    out, down = block.out, block.down
    none_out, none_down = (v.new_zeros(len(each.weight)) for each in (out, down))
    return LayerStart(
        maps.q_gain,
        maps.q_offset,
        maps.k_gain,
        maps.k_offset,
        gain[:, None, None] * eye,
        offset,
        out.weight.to(v, copy=True),
        none_out.clone(),
        out.weight.to(v, copy=True),
        none_out if out.bias is None else out.bias.to(v, copy=True),
        down.weight.to(v, copy=True),
        none_down if down.bias is None else down.bias.to(v, copy=True),
    )


def _missing(
    block: Block, student: Tensor, added: Tensor, teacher: Tensor
) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """Input of the MLP's last projection, and what its output lacks for the teacher's stream."""
    for part in batches(len(student)):
        inputs: list[Tensor] = []

        def without(hidden: Tensor, inputs: list[Tensor] = inputs) -> Tensor:
            inputs.append(hidden)
            return torch.zeros_like(student[:1, :1])

        base = block.finished(student[part], added[part], without, part)
        yield part, inputs[0], (teacher[part] - base) / block.residual - block.down(inputs[0])


def _finished(block: Block, start: LayerStart, stream: Tensor, added: Tensor) -> Tensor:
    """The stream after a layer, from the stream before it and its attention's output."""
    return torch.cat(
        [block.finished(stream[p], added[p], start.down, p) for p in batches(len(stream))]
    )


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
