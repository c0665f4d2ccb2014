"""What the kernels need of a head: its response as a polynomial in odd integers, and the blocks.

A code c of b bits stands as u = 2 c - (2^b - 1), an odd integer. The stored voltage about the
center is alpha * u + beta. The response to an age is the sum over j of c_j(age) * B_j(u). The B_j
are integers that float16 holds exactly, so that products of codes are exact on matrix units:

    plain     1, u, u^2, u^3
    reduced   1, u, (u^2 - 1) / 8, (u^3 - u) / 24

c_j(age) is the sum over i of m_ji * gamma^(i * age).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import comb

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gaincell.ml.attention.numbers import Numbers, Order

ORDERS = 4
"""Orders 0..3 of a response, and as many of the basis."""
EXACT = 2048
"""Integers up to here are exact in float16."""
LARGEST_GRADIENT = 8192.0
"""Of a pulse over all dimensions, scaled: float16 holds it, and what a leak leaves of it."""
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Constants:
    """A head's numbers for the kernels.

    exact : codes are integers small enough for float16; else operands are float32
    reduced : the second basis
    order, slope_order : largest j of the response, and of what its gradient is taken of
    rate : exponent of the decay per token
    score, charge : m_ji of the response to keys and values, (4, 4), scaled to pulses and steps
    score_slope, charge_slope : of the slope, scaled so that float16 holds all gradients
    score_scale, charge_scale : factors that scale them back
    """

    exact: bool
    reduced: bool
    order: int
    slope_order: int
    rate: float
    score: Matrix
    charge: Matrix
    score_slope: Matrix
    charge_slope: Matrix
    score_scale: float
    charge_scale: float

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, numbers: Numbers) -> Constants:
        config = numbers.config
        largest = max(config.key_max, config.value_max)
        order = max(term.power for term in numbers.terms)
        reduced = largest**order > EXACT
        most = _basis(largest, reduced)[order]
        exact = numbers.quantise and most <= EXACT
        response = [*numbers.terms, *([numbers.constant] if numbers.constant else [])]
        slope = [numbers.slope] if numbers.slope else response
        rate = numbers.terms[0].rate
        of_score = 1 / (config.s_sat * config.query_max)
        of_charge = numbers.read_scale / config.a_sat

        def matrix(terms: list[Order], most: int, scale: float) -> Matrix:
            found = _matrix(terms, numbers, most, reduced) * scale
            if not rate:
                found = np.column_stack([found.sum(1), *np.zeros((ORDERS - 1, ORDERS))])
            return found

        score_slope = matrix(slope, config.key_max, of_score)
        charge_slope = matrix(slope, config.value_max, of_charge)
        score_scale = np.abs(score_slope).sum(1).max() or 1.0
        reach = np.abs(_basis(config.value_max, reduced))
        most_of_pulse = config.head_dim * (np.abs(charge_slope).sum(1) @ reach)
        charge_scale = most_of_pulse / LARGEST_GRADIENT or 1.0
        return cls(
            exact=exact,
            reduced=reduced,
            order=order,
            slope_order=1 if numbers.slope else order,
            rate=rate,
            score=matrix(response, config.key_max, of_score),
            charge=matrix(response, config.value_max, of_charge),
            score_slope=score_slope / score_scale,
            charge_slope=charge_slope / charge_scale,
            score_scale=float(score_scale),
            charge_scale=float(charge_scale),
        )

    def table(self, device: torch.device) -> Tensor:
        """(4, 4, 4) float32: m_ji of the response's scores and charges, then of the slope's."""
        return _table(self._bytes, device)

    @cached_property
    def patterns(self) -> tuple[int, int, int, int]:
        """Which m_ji are not 0, bit 4 j + i, of the four matrices of ``table``."""
        found = [
            int((each.flatten() != 0) @ (1 << np.arange(ORDERS * ORDERS)))
            for each in self._matrices()
        ]
        return found[0], found[1], found[2], found[3]

    def _matrices(self) -> tuple[Matrix, ...]:
        return self.score, self.charge, self.score_slope, self.charge_slope

    @cached_property
    def _bytes(self) -> bytes:
        return np.stack(self._matrices()).astype(np.float32).tobytes()


@lru_cache(maxsize=64)
def _table(numbers: bytes, device: torch.device) -> Tensor:
    return torch.frombuffer(bytearray(numbers), dtype=torch.float32).to(device)


def _basis(u: int, reduced: bool) -> tuple[int, int, int, int]:
    return (1, u, (u**2 - 1) // 8, (u**3 - u) // 24) if reduced else (1, u, u**2, u**3)


def _matrix(terms: list[Order], numbers: Numbers, most: int, reduced: bool) -> Matrix:
    """m (4, 4) of a response, for codes 0..``most``."""
    config = numbers.config
    alpha = config.full_scale_v / (2 * most)
    beta = config.full_scale_v / 2 - config.center_v
    found = np.zeros((ORDERS, ORDERS))
    for term in terms:
        i = term.power
        for power in range(i + 1):
            part = term.coefficient * comb(i, power) * alpha**power * beta ** (i - power)
            if reduced and power >= 2:
                found[power, i] += part * {2: 8, 3: 24}[power]
                found[power - 2, i] += part
            else:
                found[power, i] += part
    return found
