"""Ridge regression of many targets; rows held out of the fit choose its penalty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

PENALTIES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 1000.0)
"""Penalties to choose from, in units of the mean diagonal of the Gram matrix."""
COLUMNS = 384
"""Columns of the Gram matrix that are computed together."""
ROUNDING, TINY = 1e-6, 1e-30
"""Relative error of sums of float32, and a scale for rows of zeros."""


@dataclass(frozen=True)
class Fit:
    """y = x @ weight + bias; weight (n, m), bias (m,).

    penalty : the penalty of this fit
    error : relative root mean square error of the held-out rows; 1 is no better than their mean
    """

    weight: Tensor
    bias: Tensor
    penalty: float
    error: float


class Sums:
    """Weighted moments of rows x (…, n) and y (…, m), so that no row needs to be kept.

    ``intercept`` False: moments about 0, for a fit without bias.
    """

    def __init__(self, intercept: bool = True) -> None:
        self.intercept, self.inputs, self.dtype = intercept, 0, torch.float32
        self.moments: Tensor | None = None  # (n + 1, n + 1 + m), of x and one with x, one and y
        self.squares: Tensor | None = None  # (m,), of y

    def add(self, x: Tensor, y: Tensor, weight: Tensor) -> None:
        """Rows with their weights (…)."""
        rows = torch.cat([x, torch.ones_like(x[..., :1]), y], -1).flatten(0, -2)
        inputs = x.shape[-1] + 1
        weighted = rows * weight.reshape(-1, 1)
        moments = rows.new_empty(inputs, rows.shape[1])
        # The half below the diagonal, mirrored, is not computed.
        for begin in range(0, inputs, COLUMNS):
            here = slice(begin, min(inputs, begin + COLUMNS))
            moments[here, begin:] = weighted[:, here].t() @ rows[:, begin:]
            moments[here.stop : inputs, here] = moments[here, here.stop : inputs].t()
        squares = (weighted[:, inputs:] * rows[:, inputs:]).sum(0).double()
        self.inputs, self.dtype = x.shape[-1], x.dtype
        self.moments = moments.double() if self.moments is None else self.moments + moments
        self.squares = squares if self.squares is None else self.squares + squares

    def centred(self) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Means of x and y, then covariances xx and xy, and variances of y."""
        assert self.moments is not None
        assert self.squares is not None
        n = self.inputs
        moments, squares = (each / self.moments[n, n] for each in (self.moments, self.squares))
        mean = moments[n] * self.intercept
        moments = moments[:n] - mean[:n, None] * mean
        mean_y = mean[n + 1 :]
        return mean[:n], mean_y, moments[:, :n], moments[:, n + 1 :], squares - mean_y.square()


def fit_ridge(fitted: Sums, held_out: Sums, penalties: Sequence[float] = PENALTIES) -> Fit:
    """The fit whose penalty has the smallest error on the held-out rows.

    From the middle one of ``penalties``, which ascend, it goes on as long as the error falls.

    Raises
    ------
    ValueError
        Values that are not finite.
    """
    far = held_out.centred()
    mean_x, mean_y, gram, cross, _ = fitted.centred()
    # Arrays that answer the same to all windows leave a diagonal of rounding alone.
    least = max(TINY, ROUNDING * float((gram.diagonal() + mean_x.square()).mean()))
    unit = gram.diagonal().mean().clamp(min=least) * torch.eye(len(gram), dtype=torch.float64)

    def fit(penalty: float) -> Fit | None:
        factor, wrong = torch.linalg.cholesky_ex(gram + penalty * unit)
        if wrong:
            return None  # rounding of the sums is larger than so small a penalty
        weight = torch.cholesky_solve(cross, factor)
        bias = mean_y - mean_x @ weight
        error = _error(weight, mean_x, mean_y, far)
        return Fit(weight.to(fitted.dtype), bias.to(fitted.dtype), penalty, error)

    middle = len(penalties) // 2
    best = fit(penalties[middle])
    for way in (penalties[middle + 1 :], penalties[:middle][::-1]):
        before = best
        for penalty in way:
            found = fit(penalty)
            if best is not None and (found is None or found.error >= best.error):
                break
            best = found
        if before is not None and best is not before:
            break
    if best is None:
        raise ValueError("the streams of the model hold values that are not finite")
    return best


def _error(weight: Tensor, mean_x: Tensor, mean_y: Tensor, far: tuple[Tensor, ...]) -> float:
    """Relative error of held-out rows, from their moments ``far``, about the fit's own means."""
    far_x, far_y, far_gram, far_cross, far_squares = far
    between = (far_y - mean_y).square().sum()
    total = far_squares.sum() + between
    shift = (far_x - mean_x) @ weight - (far_y - mean_y)
    error = total - between + shift.square().sum()
    error += (weight * (far_gram @ weight - 2 * far_cross)).sum()
    return float((error / total).clamp(min=0).sqrt())
