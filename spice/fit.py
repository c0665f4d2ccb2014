"""Fits of measured tables, each with its residual; none is accepted that does not fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gaincell.spice.waves import Floats

MOST_DEGREE = 9
LARGEST_RESIDUAL = 0.005
"""Of a response, fraction of its full scale."""
WANTED_RESIDUAL = 0.001
"""Likewise, if some degree leaves no more: what it leaves adds up over the cells of a line."""
LARGEST_DEVIATION = 3.0
"""Of a measured point, in standard deviations."""


class NoFit(Exception):
    """A table does not fit the form that it should have; one sentence with the numbers."""


@dataclass(frozen=True)
class Polynomial:
    """Charge of a full pulse against V - center_v: the contract's response.

    coefficients : a_i of (V - center_v)^i, in the unit of the charge per V^i
    covariance : of the coefficients, from the residuals, or from the given deviations
    residual : largest distance of a point, fraction of full scale
    full_scale : largest magnitude of a charge
    """

    center_v: float
    coefficients: Floats
    covariance: Floats
    residual: float
    full_scale: float

    def __call__(self, volts: Floats | float) -> Floats:
        """Charge at voltages."""
        shifted = np.asarray(volts) - self.center_v
        charge: Floats = np.asarray(
            np.polynomial.polynomial.polyval(shifted, self.coefficients), dtype=np.float64
        )
        return charge


def fit_response(
    volts: Floats,
    charge: Floats,
    center_v: float,
    deviation: Floats | None = None,
    largest: float = LARGEST_RESIDUAL,
) -> Polynomial:
    """The polynomial of the least degree, 1 or more, that leaves ``WANTED_RESIDUAL`` at most.

    If none does, that of the least degree that leaves at most ``largest``. A point with a
    ``deviation`` may also be left by ``LARGEST_DEVIATION`` of these.

    Parameters
    ----------
    deviation : standard deviation of each charge; weighs the points and scales the covariance

    Raises
    ------
    NoFit
        No degree up to ``MOST_DEGREE`` does, or the points are too few.
    """
    full_scale = float(np.max(np.abs(charge)))
    if not full_scale > 0:
        raise NoFit("the response is 0 at every voltage")
    degrees = range(1, min(MOST_DEGREE, len(volts) - 2) + 1)
    tried = [_tried(volts, charge, center_v, degree, deviation) for degree in degrees]
    for part in (min(WANTED_RESIDUAL, largest), largest):
        allowed = np.full(len(volts), part * full_scale)
        if deviation is not None:
            allowed = np.maximum(allowed, LARGEST_DEVIATION * deviation)
        for found in tried:
            if np.all(np.abs(charge - found(volts)) <= allowed):
                return found
    best = min((found.residual for found in tried), default=np.inf)
    raise NoFit(
        f"no polynomial up to degree {MOST_DEGREE} fits the response of {len(volts)} voltages: "
        f"{best:.2%} of full scale is left, but at most {largest:.2%} may be"
    )


def _tried(
    volts: Floats, charge: Floats, center_v: float, degree: int, deviation: Floats | None
) -> Polynomial:
    """The polynomial of a degree, with its covariance, whatever it leaves."""
    basis, weights = _basis(volts, center_v, degree, deviation)
    solved = fit_polynomial(volts, charge, center_v, degree, deviation)
    left = charge - np.polynomial.polynomial.polyval(volts - center_v, solved)
    inverse = np.linalg.inv((basis * weights[:, None] ** 2).T @ basis)
    if deviation is None:
        inverse *= float(left @ left) / (len(volts) - degree - 1)
    scale = float(np.max(np.abs(volts - center_v))) ** -np.arange(degree + 1.0)
    full_scale = float(np.max(np.abs(charge)))
    residual = float(np.max(np.abs(left))) / full_scale
    return Polynomial(center_v, solved, inverse * np.outer(scale, scale), residual, full_scale)


def fit_polynomial(
    volts: Floats, charge: Floats, center_v: float, degree: int, deviation: Floats | None
) -> Floats:
    """Coefficients of the polynomial of a degree, whatever it leaves."""
    basis, weights = _basis(volts, center_v, degree, deviation)
    solved, *_ = np.linalg.lstsq(basis * weights[:, None], charge * weights, rcond=None)
    half = float(np.max(np.abs(volts - center_v)))
    coefficients: Floats = solved * half ** -np.arange(degree + 1.0)
    return coefficients


def _basis(
    volts: Floats, center_v: float, degree: int, deviation: Floats | None
) -> tuple[Floats, Floats]:
    """Powers of voltages between -1 and 1, and the weight of each point."""
    shifted = volts - center_v
    basis = np.vander(shifted / np.max(np.abs(shifted)), degree + 1, increasing=True)
    return basis, np.ones(len(volts)) if deviation is None else 1 / deviation


def proportion(widths: Floats, charge: Floats) -> Floats:
    """Charge of a pulse of unit width, by the factor that is right for the mean over all pulses.

    A pulse also carries a little whatever its width. What this factor leaves of pulses of different
    widths cancels; the least squares' has a sum that grows with the cells of a line.

    Parameters
    ----------
    widths : (W,) of the pulses
    charge : (..., W)
    """
    factor: Floats = charge.sum(axis=-1) / widths.sum()
    return factor


@dataclass(frozen=True)
class Line:
    """A straight line through points: y = offset + slope x."""

    slope: float
    offset: float
    residual: float
    """Largest distance of a point, in the unit of y."""


def fit_line(x: Floats, y: Floats) -> Line:
    """Least squares."""
    slope, offset = np.polyfit(x, y, 1)
    return Line(float(slope), float(offset), float(np.max(np.abs(offset + slope * x - y))))
