"""The paper's adaptation: scalers of the nonlinear model match a trained linear model.

Leroux et al., Nature Computational Science 5, 813 (2025), Methods. A model with the linear cell is
trained first. Then each scaler of the model with the real cell is set so that its result has the
mean and the standard deviation of the linear model. A damped iteration on one batch does this.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gaincell.ml.models.hardware_model import HardwareModel
from gaincell.ml.start.moments import ModelMoments, moments_of

ITERATIONS = 100
TOLERANCE = 1e-4
DAMPED_AFTER = 50
LAST_STEP = 0.1


@dataclass(frozen=True)
class Matching:
    """The result of an adaptation.

    distances : largest distance of any scaler's moments from its target, in units of the target's
        standard deviation, before each update and after the last
    tolerance : the distance that had to be reached
    idle : scalers (layer, name, head) whose result is one value everywhere: no gain can spread it
    """

    distances: tuple[float, ...]
    tolerance: float
    idle: tuple[tuple[int, str, int], ...]

    @property
    def converged(self) -> bool:
        return min(self.distances) < self.tolerance

    def __str__(self) -> str:
        updates = len(self.distances) - 1
        if self.converged:
            return f"converged after {updates} updates"
        text = (
            f"not converged: {updates} updates left a distance of {min(self.distances):.2g} "
            f"standard deviations, above {self.tolerance:g}"
        )
        if self.idle:
            layer, name, head = self.idle[0]
            text += (
                f"; {len(self.idle)} scalers idle, the first {name} of layer {layer} head {head}"
            )
        return text


def step_at(iteration: int) -> float:
    """The paper's damping: from 1 to 0.1 over 50 updates, then 0.1."""
    return max(LAST_STEP, 1 - (1 - LAST_STEP) * iteration / DAMPED_AFTER)


@torch.no_grad()
def match_moments(
    model: HardwareModel,
    targets: ModelMoments,
    input_ids: Tensor,
    *,
    iterations: int = ITERATIONS,
    tolerance: float = TOLERANCE,
    progress: Callable[[int, float], None] | None = None,
) -> Matching:
    """Set the model's scalers so that their moments on ``input_ids`` (B, T) are the targets.

    Each update moves all scalers of all layers at once, by a step s of ``step_at``:
    gain <- gain (1 - s + s target std / std), offset <- offset + s (target mean - mean).
    At the end the model has the scalers of the smallest distance.

    Parameters
    ----------
    model : a converted model; its layers of kind "linear" and "hardware" are adapted
    targets : ``moments_of`` the trained linear model, same layers, on the same or other text
    iterations : number of updates at most
    tolerance : distance that ends the iteration; see ``Matching``
    progress : called with the number of updates made and the distance

    Raises
    ------
    ValueError
        Targets of other layers or heads, iterations below 1, a tolerance not above 0, ``input_ids``
        of another shape, or values that are not finite.
    """
    if iterations < 1:
        raise ValueError(f"iterations is {iterations}, but must be 1 or more")
    if not tolerance > 0:
        raise ValueError(f"tolerance is {tolerance}, but must be above 0")
    moments = moments_of(model, input_ids)
    _check(targets, moments)
    distances: list[float] = []
    best: dict[str, Tensor] = {}
    for iteration in range(iterations + 1):
        if iteration:
            moments = moments_of(model, input_ids)
        distances.append(max(float(targets[key].distance(moments[key]).max()) for key in targets))
        if progress is not None:
            progress(iteration, distances[-1])
        if distances[-1] == min(distances):
            best = {name: weight.clone() for name, weight in _scalers(model, targets).items()}
            idle = _idle(moments)
        if distances[-1] < tolerance:
            break
        if iteration < iterations:
            _update(model, targets, moments, step_at(iteration))
    for name, weight in _scalers(model, targets).items():
        weight.copy_(best[name])
    return Matching(tuple(distances), tolerance, idle)


def _update(
    model: HardwareModel, targets: ModelMoments, moments: ModelMoments, step: float
) -> None:
    for (layer, name), target in targets.items():
        scalers, now = model.scalers(layer), moments[layer, name]
        spread = torch.where(now.std > 0, target.std / now.std, 1.0)
        scalers.adjust(name, 1 - step + step * spread, step * (target.mean - now.mean))


def _scalers(model: HardwareModel, targets: ModelMoments) -> dict[str, Tensor]:
    return {
        f"{layer}.{name}_{part}": parameter
        for layer, name in targets
        for part, parameter in enumerate(model.scalers(layer).pair(name))
    }


def _idle(moments: ModelMoments) -> tuple[tuple[int, str, int], ...]:
    return tuple(
        (layer, name, head)
        for (layer, name), own in moments.items()
        for head in (own.std == 0).nonzero().flatten().tolist()
    )


def _check(targets: ModelMoments, moments: ModelMoments) -> None:
    for layer, name in targets.keys() ^ moments.keys():
        raise ValueError(f"targets and model differ: only one has scaler {name} of layer {layer}")
    for (layer, name), target in targets.items():
        counts = len(target.mean), len(moments[layer, name].mean)
        if counts[0] != counts[1]:
            raise ValueError(
                f"targets have {counts[0]} heads for {name} of layer {layer}, the model {counts[1]}"
            )
