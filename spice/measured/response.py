"""Response, mismatch and noise of measured cells, with the uncertainty of every number."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gaincell.spice.fit import NoFit, Polynomial, fit_polynomial, fit_response, proportion
from gaincell.spice.measure.mismatch import Spread
from gaincell.spice.measured.csv_table import Rows
from gaincell.spice.measured.folder import MeasuredLevels
from gaincell.spice.waves import Floats

LEAST_VOLTAGES = 4
NEAR = 0.02
"""How far the lowest and highest stored voltage may lie inside the codes', part of their range."""


@dataclass(frozen=True)
class MeasuredResponse:
    """Charges of a full pulse, C.

    stored_v : (V,) voltages at which all devices were measured
    device_c : (devices, V) mean of each device
    error_c : (V,) standard error of the mean over the devices; of one device its noise's
    noise_c : (V,) deviation of single reads of a full pulse; NaN: none was repeated
    covariance : of the coefficients, from the spread of the devices' own fits
    """

    stored_v: Floats
    device_c: Floats
    error_c: Floats | None
    noise_c: Floats
    polynomial: Polynomial

    @property
    def charge_c(self) -> Floats:
        """(V,) mean over the devices."""
        mean: Floats = self.device_c.mean(axis=0)
        return mean

    def mismatch(self) -> tuple[float, float, float] | None:
        """Spread of gain, of offset (C) and of what they leave (C); None: one device."""
        if len(self.device_c) < 2:
            return None
        return Spread(self.device_c, self.device_c).deviations()


def measured_response(rows: Rows, levels: MeasuredLevels) -> MeasuredResponse:
    """The response of all devices.

    A device's charge at a voltage is the factor of ``proportion`` over its pulses, as the charge
    of a full one. Its mean over the devices is fitted, each voltage weighed by the noise that its
    reads leave in the mean: what devices have of their own is smooth, and excuses no bad fit.

    Raises
    ------
    NoFit
        Voltages do not reach over the codes or are too few, or no polynomial fits.
    """
    stored, width = rows.columns["stored"], rows.columns["width"]
    part, device = width / levels.full_pulse_s, rows.labels["device"]
    names = sorted(set(device.tolist()))
    volts = [v for v in np.unique(stored) if set(device[stored == v]) == set(names)]
    _check_range(volts, levels)
    device_c = np.empty((len(names), len(volts)))
    noise_c = np.full(len(volts), np.nan)
    mean_c = np.full(len(volts), np.nan)
    for at, v in enumerate(volts):
        left: list[float] = []
        freedom = 0
        for row, name in enumerate(names):
            own = (stored == v) & (device == name)
            x, y = part[own], rows.columns["charge"][own]
            device_c[row, at] = proportion(x, y)
            full = y[np.isclose(x, 1.0)]
            left += list(full - full.mean()) if len(full) else []
            freedom += max(0, len(full) - 1)
        if freedom:
            noise_c[at] = np.sqrt(np.sum(np.square(left)) / freedom)
            mean_c[at] = noise_c[at] / np.sqrt(len(left))
    volts_v, mean = np.array(volts), device_c.mean(axis=0)
    deviation = mean_c if np.all(mean_c > 0) else None
    fitted = fit_response(volts_v, mean, levels.middle_v, deviation)
    error_c = deviation
    if len(names) > 1:
        error_c = device_c.std(axis=0, ddof=1) / np.sqrt(len(names))
        degree = len(fitted.coefficients) - 1
        each = (
            fit_polynomial(volts_v, row, levels.middle_v, degree, deviation) for row in device_c
        )
        covariance = np.cov(np.array(list(each)).T) / len(names)
        fitted = replace(fitted, covariance=covariance)
    return MeasuredResponse(volts_v, device_c, error_c, noise_c, fitted)


def _check_range(volts: list[float], levels: MeasuredLevels) -> None:
    span = levels.full_scale_v - levels.lowest_v
    if len(volts) < LEAST_VOLTAGES:
        raise NoFit(
            f"all devices were measured at {len(volts)} stored voltages, but at least "
            f"{LEAST_VOLTAGES} are needed"
        )
    if volts[0] > levels.lowest_v + NEAR * span or volts[-1] < levels.full_scale_v - NEAR * span:
        raise NoFit(
            f"stored voltages reach from {volts[0]:.4g} to {volts[-1]:.4g} V, but codes from "
            f"{levels.lowest_v:g} to {levels.full_scale_v:g} V"
        )
