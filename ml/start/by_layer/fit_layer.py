"""One layer's start: maps, then its projections by ridge regression on what the arrays give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gaincell.config import HeadConfig
from gaincell.ml.attention.softmax import softmax_attention
from gaincell.ml.models.anatomy import Block
from gaincell.ml.start.by_layer.distil import distil
from gaincell.ml.start.by_layer.layer_start import LayerStart, joined
from gaincell.ml.start.by_layer.options import StartOptions
from gaincell.ml.start.by_layer.ridge import Fit, Sums, fit_ridge
from gaincell.ml.start.by_layer.score_fit import fit_scores
from gaincell.ml.start.by_layer.spectral import Maps, spectral_maps

SPECTRAL_WINDOWS = 24
"""Windows that the covariances of the spectral maps are taken from, at most."""
FIRST_WEIGHT = 0.1
"""Of first tokens in the fit of the MLP's last projection, to all other tokens together: they are
attention's sink, and must stay what they are. Of 0, 0.1, 1 and 10 tried, the best on SmolLM2."""
BATCH = 8
"""Windows that pass a layer at once."""


@dataclass(frozen=True)
class Errors:
    """Relative root mean square errors on the windows held out, 1 being no better than the mean.

    attention : of what attention adds to the stream; down : of the stream after the layer, in units
    of what the teacher's has that the stock projection does not give (None: not fitted)
    """

    attention: float
    down: float | None


def fit_layer(
    block: Block,
    config: HeadConfig,
    student: Tensor,
    wanted: Tensor,
    fitted: int,
    options: StartOptions,
    generator: torch.Generator,
) -> tuple[LayerStart, Errors, Tensor]:
    """Start of one layer for streams (W, T, C), of which the first ``fitted`` windows are fitted.

    Parameters
    ----------
    student : what comes into the layer of the converted model
    wanted : what leaves it in the original one

    Returns
    -------
    The start, its errors, and the stream that leaves the layer of the converted model.
    """
    heads = [block.heads(student[part]) for part in batches(len(student))]
    q, k, v = (torch.cat(parts) for parts in zip(*heads, strict=True))
    del heads
    group = q.shape[1] // k.shape[1]
    keys = k.repeat_interleave(group, 1)
    few = slice(0, min(fitted, SPECTRAL_WINDOWS))
    maps = spectral_maps(q[few], keys[few], config)
    for number in range(options.rounds):
        drawn = torch.randperm(fitted, generator=generator)[: options.round_windows]
        step = options.round_step * (0.5 if number >= options.rounds * 2 / 3 else 1.0)
        maps, _ = fit_scores(
            q[drawn], keys[drawn], config, maps, full_pulse=options.full_pulse, step=step
        )
    found = _with_values(block, maps, v[:fitted], group, config, options.value_sigmas)
    del keys
    weight = inverse_square(student)
    target = torch.cat([block.out(joined(_softmax(q[p], k[p], v[p]))) for p in batches(len(q))])

    def answered(now: LayerStart) -> tuple[LayerStart, Tensor, Fit]:
        """The layer with its output projection fitted, its codes (W, T, H * D), and the fit."""
        y = torch.cat([joined(now.codes(q[p], k[p], v[p], config)) for p in batches(len(q))])
        fit = ridge_of_windows(((p, y[p], target[p]) for p in batches(len(q))), weight, fitted)
        return replace(now, out_weight=fit.weight.t(), out_bias=fit.bias), y, fit

    found, y, fit = answered(found)
    if options.distil_steps:
        found = distil(
            found, (q[:fitted], k[:fitted], v[:fitted]), target, weight, config, options, generator
        )
        found, y, fit = answered(found)
    middle = torch.cat([student[p] + found.attended(y[p], v[p]) for p in batches(len(y))])
    if options.refit == "attention":
        return found, Errors(fit.error, None), _after(block, found, middle)
    weight = inverse_square(wanted)
    weight[:, 0] = FIRST_WEIGHT * (wanted.shape[1] - 1)
    biased = block.down.bias is not None
    down = ridge_of_windows(_missing(block, middle, wanted), weight, fitted, intercept=biased)
    found = replace(
        found,
        down_weight=found.down_weight + down.weight.t(),
        down_bias=found.down_bias + down.bias,
    )
    return found, Errors(fit.error, down.error), _after(block, found, middle)


def pass_layer(
    block: Block, config: HeadConfig, found: LayerStart | None, stream: Tensor
) -> Tensor:
    """The stream (W, T, C) after a layer: as found, or the original one if None."""
    middle = torch.empty_like(stream)
    for part in batches(len(stream)):
        q, k, v = block.heads(stream[part])
        if found is None:
            added = block.out(joined(_softmax(q, k, v)))
        else:
            added = found.attended(joined(found.codes(q, k, v, config)), v)
        middle[part] = stream[part] + added
    return _after(block, found, middle)


def batches(count: int) -> Iterator[slice]:
    return (slice(begin, min(count, begin + BATCH)) for begin in range(0, count, BATCH))


def inverse_square(stream: Tensor) -> Tensor:
    """Weight (W, T) of each token: 1 over its mean square, as norms make all alike; first: 0."""
    weight = 1 / stream.square().mean(2).clamp(min=1e-12)
    weight[:, 0] = 0.0
    return weight / weight.mean()


def _softmax(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return softmax_attention(q, k, v, None)


def _with_values(
    block: Block, maps: Maps, v: Tensor, group: int, config: HeadConfig, sigmas: float
) -> LayerStart:
    """Maps of the values (W, H_kv, T, D) too; projections as the model has them."""
    mean = v[:, :, 1:].mean((0, 2))  # (H_kv, D)
    std = v[:, :, 1:].var((0, 2)).mean(1).sqrt()
    gain = (0.5 / (sigmas * std.clamp(min=1e-9))).repeat_interleave(group)
    eye = torch.eye(v.shape[3])
    center = config.center_v / config.full_scale_v
    offset = center - mean.repeat_interleave(group, 0) * gain[:, None]
    out, down = block.out, block.down
    none_out, none_down = (each.weight.new_zeros(len(each.weight)) for each in (out, down))
    return LayerStart(
        maps.q_gain,
        maps.q_offset,
        maps.k_gain,
        maps.k_offset,
        gain[:, None, None] * eye,
        offset,
        out.weight.clone(),
        none_out.clone(),
        out.weight.clone(),
        none_out if out.bias is None else out.bias.clone(),
        down.weight.clone(),
        none_down if down.bias is None else down.bias.clone(),
    )


def _missing(
    block: Block, middle: Tensor, wanted: Tensor
) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """What the MLP's last projection takes, and what it fails to give of the wanted stream."""
    for part in batches(len(middle)):
        hidden = block.hidden(middle[part])
        yield part, hidden, wanted[part] - middle[part] - block.down(hidden)


def _after(block: Block, found: LayerStart | None, middle: Tensor) -> Tensor:
    """The stream after a layer's MLP, from that before it."""
    after = torch.empty_like(middle)
    for part in batches(len(middle)):
        hidden = block.hidden(middle[part])
        if found is None:
            added = block.down(hidden)
        else:
            added = hidden @ found.down_weight.t() + found.down_bias
        after[part] = middle[part] + added
    return after


def ridge_of_windows(
    parts: Iterator[tuple[slice, Tensor, Tensor]],
    weight: Tensor,
    fitted: int,
    *,
    intercept: bool = True,
) -> Fit:
    """Ridge fit of rows of windows: the first ``fitted`` are fitted, the others choose."""
    inside, outside = Sums(intercept), Sums(intercept)
    for part, x, y in parts:
        cut = max(0, min(part.stop, fitted) - part.start)
        inside.add(x[:cut], y[:cut], weight[part][:cut])
        outside.add(x[cut:], y[cut:], weight[part][cut:])
    return fit_ridge(inside, outside)
