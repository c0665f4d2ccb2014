"""One layer's start: its maps, then its projections by ridge regression on the arrays' outputs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gaincell.config import HeadConfig
from gaincell.ml.models.beside.recent import sum_of_pulses
from gaincell.ml.start.by_layer.align import align
from gaincell.ml.start.by_layer.blocks import Block, Heads, batches
from gaincell.ml.start.by_layer.layer_start import LayerStart, joined
from gaincell.ml.start.by_layer.options import StartOptions
from gaincell.ml.start.by_layer.projections import MlpPart, ridge_of_windows, with_projection
from gaincell.ml.start.by_layer.rest_fit import RestLogs, fit_rest
from gaincell.ml.start.by_layer.score_fit import fit_scores
from gaincell.ml.start.by_layer.spectral import Maps, spectral_maps

SPECTRAL_WINDOWS, FEW_WINDOWS = 24, 8
"""Windows for the covariances of the spectral maps, and for the fit of the rest and the scales of
the read-out, at most."""
TINY, ROUNDING = 1e-30, 1e-6
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
    options : settled for this head

    Returns
    -------
    The start, its errors, and the stream that leaves the layer of the converted model.
    """
    heads = Heads.joined([block.heads(student[part], part) for part in batches(len(student))])
    few = heads[:FEW_WINDOWS]
    logs = RestLogs.of(few, options.newest) if options.newest else None
    reference = None if logs is None else fit_rest(few, logs)
    maps = _maps(heads[:fitted], config, options, generator, reference)
    start = _first_guess(block, maps, heads[:fitted], config, options)
    wanted = joined(heads.softmax())
    weight = inverse_square(student)
    y = start.codes(heads[: min(fitted, FEW_WINDOWS)], config)
    start = _scaled(start, heads[: len(y)], wanted[: len(y)], weight[: len(y)], y, logs)
    if options.align_tokens != 0:
        start = align(start, heads[:fitted], weight, config, options, generator)
        y = y[:0]  # of other maps
    outputs = torch.cat(
        ([start.outputs(heads[: len(y)], y)] if len(y) else [])
        + [_outputs(start, heads[len(y) :][part], config) for part in batches(len(wanted) - len(y))]
    )
    start, error = with_projection(start, outputs, wanted, weight, fitted)
    added = torch.cat([start.attended(outputs[p], heads.v[p]) for p in batches(len(wanted))])
    if options.refit == "attention":
        return start, Errors(error, None), MlpPart(block, student, added).finished(start)
    weight = inverse_square(teacher)
    weight[:, 0] = FIRST_WEIGHT * (teacher.shape[1] - 1)
    biased = block.down.bias is not None
    mlp = MlpPart(block, student, added)
    down = ridge_of_windows(mlp.missing(teacher), weight, fitted, intercept=biased)
    start = replace(
        start,
        down_weight=start.down_weight + down.weight.t(),
        down_bias=start.down_bias + down.bias,
    )
    return start, Errors(error, down.error), mlp.finished(start)


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
            added = start.attended(_outputs(start, heads, config), heads.v)
            after[part] = block.finished(stream[part], added, start.down, part)
    return after


def inverse_square(stream: Tensor) -> Tensor:
    """Weight (W, T) of each token: 1 over its mean square, 0 for the first token.

    Norms scale all tokens to one size, so that errors count relative to the token.
    """
    weight = 1 / stream.square().mean(2).clamp(min=1e-12)
    weight[:, 0] = 0.0
    return weight / weight.mean()


def _maps(
    heads: Heads,
    config: HeadConfig,
    options: StartOptions,
    generator: torch.Generator,
    reference: tuple[Tensor, Tensor] | None,
) -> Maps:
    """Maps of all heads after the score fit, from windows that are all fitted."""
    keys = heads.k if options.shared_keys else heads.k.repeat_interleave(heads.group, 1)
    few = slice(0, SPECTRAL_WINDOWS)
    maps = spectral_maps(heads.q[few], keys[few], config, scale=heads.scale, window=heads.window)
    for number in range(options.rounds):
        order = torch.randperm(len(keys), generator=generator, device="cpu")
        drawn = order[: options.round_windows]
        maps, _ = fit_scores(
            heads.q[drawn],
            keys[drawn],
            config,
            maps,
            scale=heads.scale,
            window=heads.window,
            recent=options.newest,
            reference=reference,
            full_pulse=options.pulse,
            step=options.round_step * (0.5 if number >= options.rounds * 2 / 3 else 1.0),
        )
    return maps


def _first_guess(
    block: Block, maps: Maps, heads: Heads, config: HeadConfig, options: StartOptions
) -> LayerStart:
    """A start of these maps, of values in range, and of the model's projections."""
    v, count, arrays = heads.v, heads.q.shape[1], len(maps.k_gain)
    copies = arrays // v.shape[1]  # of the model's values
    mean = v[:, :, 1:].mean((0, 2))  # (H_kv, D)
    std = v[:, :, 1:].var((0, 2)).mean(1).sqrt()
    gain = (0.5 / (options.value_sigmas * std.clamp(min=1e-9))).repeat_interleave(copies)
    center = config.center_v / config.full_scale_v
    per_dim = v.new_zeros(count, v.shape[3])
    out, down = block.out, block.down
    out_weight, down_weight = out.weight.to(v, copy=True), down.weight.to(v, copy=True)
    out_bias, down_bias = (
        v.new_zeros(len(each.weight)) if each.bias is None else each.bias.to(v, copy=True)
        for each in (out, down)
    )
    v_gain = gain[:, None, None] * torch.eye(v.shape[3]).to(v)
    v_offset = center - mean.repeat_interleave(copies, 0) * gain[:, None]
    # The dimension of which the output projection makes least gives way to ones.
    spread = v.var((0, 2)).repeat_interleave(heads.group, 0)
    made = spread * out_weight.square().sum(0).view_as(spread)
    ones = made.view(arrays, count // arrays, -1).sum(1).argmin(1)
    if options.newest:
        each = torch.arange(arrays)
        v_gain[each, :, ones] = 0.0
        v_offset[each, ones] = 1.0
    return LayerStart(
        q_gain=maps.q_gain,
        q_offset=maps.q_offset,
        k_gain=maps.k_gain,
        k_offset=maps.k_offset,
        v_gain=v_gain,
        v_offset=v_offset,
        y_gain=torch.ones_like(per_dim),
        y_offset=per_dim,
        rest_gain=per_dim.clone(),
        rest_offset=per_dim[:, 0].clone(),
        ones=ones.repeat_interleave(count // arrays),
        out_weight=out_weight,
        out_bias=out_bias,
        first_weight=out_weight.clone(),
        first_bias=out_bias.clone(),
        down_weight=down_weight,
        down_bias=down_bias,
        recent=options.newest,
    )


def _outputs(start: LayerStart, heads: Heads, config: HeadConfig) -> Tensor:
    return start.outputs(heads, start.codes(heads, config))


def _scaled(
    start: LayerStart,
    few: Heads,
    wanted: Tensor,
    weight: Tensor,
    y: Tensor,
    logs: RestLogs | None,
) -> LayerStart:
    """With the rest's fit, and each channel's scale and offset that come nearest to ``wanted``.

    ``y`` are the codes of these heads, ``logs`` those of as many windows or more.
    """
    if logs is not None:
        gain, offset = fit_rest(few, logs[: len(y)], sum_of_pulses(y, start.ones))
        start = replace(start, rest_gain=gain, rest_offset=offset)
    seen, share, mean = start.beside(few, y)
    missing = wanted - joined(seen)
    each = weight[..., None]
    # missing = gain * mean * share + offset * share, two unknowns for each channel
    x, one = joined(mean * share[..., None]), joined(share[..., None].expand_as(mean))
    xx, xo, oo, xm, om = (
        (a * b * each).sum((0, 1))
        for a, b in ((x, x), (x, one), (one, one), (x, missing), (one, missing))
    )
    oo = oo.clamp(min=TINY)
    free = xx - xo.square() / oo
    scale = (xm - xo * om / oo) / free
    scale = scale.masked_fill(free <= ROUNDING * xx, 0.0)  # the channel says nothing
    level = (om - scale * xo) / oo
    shape = start.y_gain.shape
    return replace(start, y_gain=scale.view(shape), y_offset=level.view(shape))
