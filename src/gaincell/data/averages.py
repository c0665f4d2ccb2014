"""A mean with its standard error, and a ratio of perplexities from differences of losses."""

import math
from collections.abc import Sequence
from statistics import fmean, stdev


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """The mean of one or more values and its standard error, infinite for a single one."""
    if len(values) == 1:
        return values[0], math.inf
    return fmean(values), stdev(values) / math.sqrt(len(values))


def perplexity_ratio(apart: Sequence[float]) -> tuple[float, float]:
    """Ratio of two models' perplexities and its standard error.

    ``apart`` are differences of their losses, nats per token, on the same windows. Windows differ
    from each other far more than two models do on one window.
    """
    mean, error = mean_and_error(apart)
    return math.exp(mean), math.exp(mean) * error
