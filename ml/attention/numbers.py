"""The cell's polynomial, the scales and the rounding of one head, as the torch op uses them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from gaincell.cell import CUBIC, LINEAR, Coefficients
from gaincell.config import HeadConfig
from gaincell.ml.attention.authors import ReferenceQuirks

BACKWARDS = ("surrogate", "true")


@dataclass(frozen=True)
class Order:
    """One term a * (V - center)^power of a cell's response; it decays by exp(-rate) per token."""

    power: int
    coefficient: float
    rate: float


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """The numbers of a ``HeadConfig`` that the op uses, with the choices of one call resolved.

    terms : orders 1 and up; the first is always order 1, whatever its coefficient
    constant : order 0, or None if the response has none
    slope : order 1 of the linear cell whose gradient replaces the true one; None: the true one
    read_scale : read-out steps at saturation; read_unit : contribution of one step to y
    implementation : "auto", "torch" or "triton"; None: what the environment says
    coarse : gradients may be as coarse as products of half types; codes never are
    """

    config: HeadConfig
    terms: tuple[Order, ...]
    constant: Order | None
    slope: Order | None
    quantise: bool
    ring: bool
    read_scale: float
    read_unit: float
    implementation: str | None = None
    coarse: bool = False

    @classmethod
    def of(
        cls,
        config: HeadConfig,
        *,
        kind: str = "hardware",
        backward: str = "surrogate",
        quantise: bool = True,
        reference: ReferenceQuirks | None = None,
        implementation: str | None = None,
        coarse: bool = False,
    ) -> Numbers:
        """Resolve ``kind`` ("hardware": the config's own cell, "linear") and the other choices.

        Raises
        ------
        ValueError
            Another kind or backward, or a config whose age_mode is not "steps".
        """
        if kind not in ("hardware", "linear"):
            raise ValueError(f'kind is {kind!r}, but must be "hardware" or "linear"')
        if backward not in BACKWARDS:
            raise ValueError(f'backward is {backward!r}, but must be "surrogate" or "true"')
        if config.age_mode != "steps":
            raise ValueError(
                f'age_mode is "{config.age_mode}", but torch counts age in tokens: set it to '
                '"steps"'
            )
        if kind == "linear":
            config = replace(config, cell="linear")
        quirks = reference or ReferenceQuirks(half_steps=False, sequence_tiles=False)
        rate = config.decay_rate
        orders = [
            Order(power, a, rate if quirks.charge_decay else power * rate)
            for power, a in enumerate(config.cell_coefficients)
        ]
        orders += [Order(1, 0.0, rate)] if len(orders) == 1 else []
        n = config.readout_max
        return cls(
            config=config,
            terms=(orders[1], *(each for each in orders[2:] if each.coefficient)),
            constant=orders[0] if orders[0].coefficient else None,
            slope=Order(1, linear_slope(config), rate) if backward == "surrogate" else None,
            quantise=quantise,
            ring=not quirks.sequence_tiles,
            read_scale=n + 0.5 if quirks.half_steps else n,
            read_unit=n / (n + 0.5) if quirks.half_steps else 1.0,
            implementation=implementation,
            coarse=coarse,
        )

    @property
    def fastest_rate(self) -> float:
        """Largest decay exponent per token of any term."""
        return max(term.rate for term in self.terms)


def charge(volts: Tensor, config: HeadConfig, age: Tensor | float = 0.0) -> Tensor:
    """Charge of a full read pulse on cells written with ``volts`` (V), ``age`` in tokens.

    Any shapes that broadcast; the polynomial of docs/understand/contract.md, section 2,
    differentiable.
    """
    remaining = torch.exp(-torch.as_tensor(age).double() * (config.token_s / config.retention_s))
    centred = (volts - config.center_v) * remaining.to(volts)
    return polynomial(centred, config.cell_coefficients)


def polynomial(centred: Tensor, coefficients: Coefficients) -> Tensor:
    """sum_i a_i * centred^i, by Horner's rule."""
    result = torch.full_like(centred, coefficients[-1])
    for a in reversed(coefficients[:-1]):
        result = result * centred + a
    return result


def linear_slope(config: HeadConfig) -> float:
    """Slope, charge per V, of the linear cell whose gradient stands in for the config's cell.

    19.3 for the paper's cells (P); for another polynomial the slope of its least-squares line over
    the stored voltages, which for the paper's cubic cell would be 19.2.
    """
    coefficients = config.cell_coefficients
    if coefficients in (CUBIC, LINEAR):
        return LINEAR[1]
    volts = np.linspace(0, config.full_scale_v, 1001) - config.center_v
    response = np.polynomial.polynomial.polyval(volts, np.asarray(coefficients))
    return float(np.polynomial.polynomial.polyfit(volts, response, 1)[1])
