"""How much a model loses with one layer alone on the arrays, and which layers lose least.

The loss is the KL divergence of the original model's next-token distribution to the converted
one's. A layer is fitted as the closed-form start fits it, with fewer windows and rounds: what
counts is the order of the layers. All other layers are the original ones, before and behind it.

Layers are chosen by these single costs and not measured again beside others. Layers of SmolLM2
together lose 1.2 to 2 times the sum of them, and four choices of layers have the order of their
sums. To measure again after each choice would take up to 15 times as long.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from gaincell.config import HeadConfig
from gaincell.data.averages import mean_and_error
from gaincell.files import replacing
from gaincell.ml.models.convert import check_conversion
from gaincell.ml.models.hardware_model import HardwareModel
from gaincell.ml.start.by_layer.blocks import Block, logits_after, taken_apart
from gaincell.ml.start.by_layer.fit_layer import fit_layer, pass_layer
from gaincell.ml.start.by_layer.options import StartOptions
from gaincell.ml.start.by_layer.plan import claim, fitted_windows, plan_of, positions_for

PLAN, MEASURED = "sensitivity-plan.json", "sensitivity.json"
"""Files of the folder: whose measurement it is, and KL divergences by layer and window."""


@dataclass(frozen=True, kw_only=True)
class Effort:
    """Of one layer's fit and measurement: far less than a start's, enough to rank layers."""

    fitted: int = 8
    """Windows that are fitted, at most."""
    held_out: int = 4
    """Windows on which the divergence is measured, at most. The fit chooses its ridge penalties on
    them, as the start does, and fits nothing else to them."""
    tokens: int = 512
    """First tokens of each window that are read, at most."""
    rounds: int = 3
    """Rounds of the score fit, at most."""


@dataclass(frozen=True)
class Sensitivity:
    """Of one layer; by_window are KL divergences in nats per token, a mean of each window."""

    layer: int
    by_window: tuple[float, ...]

    @property
    def nats(self) -> float:
        """KL divergence in nats per token."""
        return mean_and_error(self.by_window)[0]

    @property
    def error(self) -> float:
        """Standard error of ``nats`` over the windows; infinite for one window."""
        return mean_and_error(self.by_window)[1]


def least_sensitive(
    model: PreTrainedModel,
    config: HeadConfig,
    windows: Tensor,
    count: int,
    *,
    options: StartOptions | None = None,
    folder: Path | None = None,
) -> list[int]:
    """The ``count`` layers of a model whose conversion alone costs least, in the model's order.

    Takes what ``sensitivities`` takes, and raises ValueError too if the model has fewer layers.
    """
    most = model.config.num_hidden_layers
    if not 1 <= count <= most:
        raise ValueError(f"count is {count}, but must be 1..{most}, the layers of the model")
    found = sensitivities(model, config, windows, options=options, folder=folder)
    return sorted(each.layer for each in by_cost(found)[:count])


def by_cost(found: Iterable[Sensitivity]) -> list[Sensitivity]:
    """The least sensitive layer first."""
    return sorted(found, key=lambda each: (each.nats, each.layer))


@torch.no_grad()
def sensitivities(
    model: PreTrainedModel,
    config: HeadConfig,
    windows: Tensor,
    *,
    layers: Sequence[int] | None = None,
    options: StartOptions | None = None,
    effort: Effort | None = None,
    folder: Path | None = None,
    progress: Callable[[Sensitivity], None] | None = None,
) -> list[Sensitivity]:
    """Measure each layer of a model alone; the model is not changed.

    Parameters
    ----------
    model, config, windows : as ``closed_form``, which fits the first of the windows; the divergence
        is measured on windows that it holds out, not on those it fits
    layers : numbers of the layers to measure, all by default
    options : of the start; there is no alignment, attention's projection alone is fitted again, and
        ``effort`` limits the rounds
    folder : keeps what is measured; a layer that is there already is not measured again
    progress : called after each layer, with what was in the folder too

    Raises
    ------
    TypeError, ValueError
        As ``closed_form``.
    """
    effort, options = effort or Effort(), (options or StartOptions()).settled(config)
    if windows.dim() != 2 or len(windows) < 2 or windows.shape[1] < 3:
        raise ValueError(
            f"windows has shape {tuple(windows.shape)}, but must be (W, T) with at least 2 windows "
            "of 3 tokens: one part fits, the other measures"
        )
    if isinstance(model, HardwareModel):
        raise ValueError("the model is on hardware already: measure the original one")
    chosen = sorted(range(model.config.num_hidden_layers) if layers is None else set(layers))
    check_conversion(model, config, "hardware", chosen)
    few, fitted = _few(windows, options, effort)
    options = replace(
        options,
        rounds=min(options.rounds, effort.rounds),
        align_tokens=0,
        refit="attention",
    )
    found: dict[int, Sensitivity] = {}
    if folder is not None:
        plan = plan_of(model, config, few, options) | {"fitted windows": fitted}
        claim(folder, PLAN, plan)
        found = _kept(folder)
    missing = [layer for layer in chosen if layer not in found]
    if progress is not None:
        for layer in chosen:
            if layer in found:
                progress(found[layer])
    if not missing:
        return [found[layer] for layer in chosen]
    training = model.training
    model.eval()
    try:
        with closing(_measured(model, config, few, fitted, missing, options)) as measured:
            for each in measured:
                found[each.layer] = each
                if folder is not None:
                    _keep(folder, found)
                if progress is not None:
                    progress(each)
    finally:
        model.train(training)
    return [found[layer] for layer in chosen]


def _measured(
    model: Any,
    config: HeadConfig,
    windows: Tensor,
    fitted: int,
    layers: Sequence[int],
    options: StartOptions,
) -> Generator[Sensitivity, None, None]:
    """One layer after the other; the first ``fitted`` windows are fitted, the others measure."""
    positions = positions_for(model, windows, options)
    held = None if positions is None else positions[fitted:]
    with (
        taken_apart(model, windows, positions) as (stream, blocks),
        taken_apart(model, windows[fitted:], held) as (before, behind),
    ):
        original = _through(behind, config, before)
        for layer, block in enumerate(blocks[: layers[-1] + 1]):
            after = pass_layer(block, config, None, stream)
            if layer in layers:
                generator = torch.Generator().manual_seed(options.seed * 1000 + layer)
                _, _, own = fit_layer(block, config, stream, after, fitted, options, generator)
                other = _through(behind[layer + 1 :], config, own[fitted:])
                lost = divergences(model, windows[fitted:], original, other)
                yield Sensitivity(layer, tuple(lost))
            stream = after


def divergences(model: Any, windows: Tensor, original: Tensor, other: Tensor) -> list[float]:
    """KL divergence in nats per token of each window, from two streams behind the last layer."""
    found = []
    for window in range(len(windows)):
        one = slice(window, window + 1)
        p, q = (
            logits_after(model, windows[one], stream[one])[0].log_softmax(1)
            for stream in (original, other)
        )
        found.append(float((p.exp() * (p - q)).sum(1).double().mean()))
    return found


def _through(blocks: Sequence[Block], config: HeadConfig, stream: Tensor) -> Tensor:
    """The stream after original layers."""
    for block in blocks:
        stream = pass_layer(block, config, None, stream)
    return stream


def _few(windows: Tensor, options: StartOptions, effort: Effort) -> tuple[Tensor, int]:
    """Windows to fit, then windows held out, and how many are fitted."""
    cut = fitted_windows(len(windows), options)
    fitted, held_out = windows[:cut][: effort.fitted], windows[cut:][: effort.held_out]
    return torch.cat([fitted, held_out])[:, : effort.tokens], len(fitted)


def _kept(folder: Path) -> dict[int, Sensitivity]:
    path = folder / MEASURED
    if not path.is_file():
        return {}
    kept = json.loads(path.read_text(encoding="utf-8"))
    return {int(layer): Sensitivity(int(layer), tuple(each)) for layer, each in kept.items()}


def _keep(folder: Path, found: dict[int, Sensitivity]) -> None:
    with replacing(folder / MEASURED) as unfinished:
        table = {str(layer): list(each.by_window) for layer, each in sorted(found.items())}
        unfinished.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
