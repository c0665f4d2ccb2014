"""Non-idealities of real arrays: each one a parameter, zero by default, and a small function.

Every function returns its ideal input unchanged when its parameter is zero. It draws all its
randomness from the generator it is given. It can be used on its own or with any other.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaincell.tables import Table, number

Floats = NDArray[np.float64]

BOLTZMANN_J_PER_K = 1.380649e-23


@dataclass(frozen=True, kw_only=True)
class Faults(Table):
    """Sizes of all faults; sigma is the standard deviation of a normal distribution.

    Raises
    ------
    TypeError, ValueError
        A parameter that is not a number, or is negative or not finite.
    """

    write_error_v: float = number(0.0, low=0)
    """sigma of the stored voltage at every write, V."""
    dac_inl_lsb: float = number(0.0, low=0)
    """sigma over the DACs (one per row) of their bow at mid-scale, steps of the code."""
    ktc_noise_v: float = number(0.0, low=0)
    """sigma of the thermal charge frozen at every write, V; see ``ktc_noise_v``."""
    gain_mismatch: float = number(0.0, low=0)
    """sigma over the cells of the relative error of their read charge."""
    offset_mismatch: float = number(0.0, low=0)
    """sigma over the cells of an additional charge, in charge of a full-length pulse."""
    read_noise: float = number(0.0, low=0)
    """sigma of one cell's charge per full-length pulse; variance grows with pulse length."""
    leak_spread: float = number(0.0, low=0)
    """sigma over the cells of ln(retention time)."""
    ir_drop: float = number(0.0, low=0)
    """Relative loss of read charge at the far end of a word line, growing linearly along it."""
    comparator_offset: float = number(0.0, low=0)
    """sigma over the converters of their input offset, fraction of the saturation charge."""
    ramp_gain_error: float = number(0.0, low=0)
    """sigma over the converters of the relative error of their conversion slope."""
    pulse_jitter_cycles: float = number(0.0, low=0)
    """sigma of a converted pulse's length at every conversion, clock cycles."""
    hold_droop_per_cycle: float = number(0.0, low=0)
    """Relative loss per clock cycle of a charge held while it is converted."""
    query_skew_cycles: float = number(0.0, low=0)
    """sigma over the query lines of the difference between their two edges' delays, cycles."""


def ktc_noise_v(capacitance_f: float, temperature_k: float = 300.0) -> float:
    """sigma, V, of the voltage that a switch leaves on a capacitance (F): sqrt(k T / C)."""
    return math.sqrt(BOLTZMANN_J_PER_K * temperature_k / capacitance_f)


def dac_bow(shape: tuple[int, ...], inl_lsb: float, rng: np.random.Generator) -> Floats:
    """Mid-scale bow of each DAC of a ``shape``, steps."""
    return _static(shape, inl_lsb, rng)


def dac_voltage(codes: NDArray[np.integer], largest: int, step_v: float, bow: Floats) -> Floats:
    """Voltages (…, rows) of codes 0..``largest``: ends exact, parabolic bow between them, V."""
    position = codes / largest
    return step_v * (codes + bow * 4 * position * (1 - position))


def write_noise(volts: Floats, sigma_v: float, rng: np.random.Generator) -> Floats:
    """Stored voltages with a fresh error of ``sigma_v`` each, V (write error and kTC noise)."""
    return volts + rng.normal(0.0, sigma_v, volts.shape) if sigma_v else volts


def cell_mismatch(shape: tuple[int, ...], sigma: float, rng: np.random.Generator) -> Floats:
    """Factor on the charge of each cell of a ``shape`` ([groups,] slots, D)."""
    return 1.0 + _static(shape, sigma, rng)


def line_loss(length: int, ir_drop: float) -> Floats:
    """Factor (length,) on the charge of the cells along a word line, the driver's end first."""
    return 1.0 - ir_drop * np.arange(length) / max(1, length - 1)


def leak_factor(shape: tuple[int, ...], spread: float, rng: np.random.Generator) -> Floats | None:
    """Factor on the retention time of each cell, log-normal, or None if all are 1."""
    return np.exp(_static(shape, spread, rng)) if spread else None


def integrated_noise(
    charge: Floats, driven: Floats | float, sigma: float, rng: np.random.Generator
) -> Floats:
    """Charges with the noise of ``driven`` full-length pulses summed over their cells."""
    return (
        charge + rng.normal(0.0, 1.0, charge.shape) * sigma * np.sqrt(driven) if sigma else charge
    )


@dataclass(frozen=True)
class Converters:
    """Charge-to-pulse converters with their static errors, one per integrator.

    offset : fraction of the saturation charge; slope : relative error; both of any one shape
    """

    offset: Floats
    slope: Floats
    full_cycles: int
    jitter_cycles: float
    droop_per_cycle: float

    @classmethod
    def draw(
        cls, shape: tuple[int, ...], full_cycles: int, faults: Faults, rng: np.random.Generator
    ) -> "Converters":
        """Converters of ``shape`` whose saturated pulse lasts ``full_cycles``."""
        return cls(
            _static(shape, faults.comparator_offset, rng),
            _static(shape, faults.ramp_gain_error, rng),
            full_cycles,
            faults.pulse_jitter_cycles,
            faults.hold_droop_per_cycle,
        )

    @cached_property
    def has_errors(self) -> bool:
        """An offset or a slope is not 0."""
        return bool(self.offset.any() or self.slope.any())

    def pulse(self, held: Floats, rng: np.random.Generator) -> Floats:
        """Length, as a fraction of ``full_cycles``, of the pulse for a ``held`` charge.

        ``held`` is a fraction of the saturation charge, negative ones too: an offset acts before
        lengths are clipped to 0..1.
        """
        length = drooped(held, self.droop_per_cycle * self.full_cycles)
        if self.has_errors:
            length = (length + self.offset) * (1.0 + self.slope)
        if self.jitter_cycles:
            noise = rng.normal(0.0, self.jitter_cycles / self.full_cycles, length.shape)
            length = np.where(length > 0, length + noise, length)
        length = np.maximum(length, 0.0)
        return np.minimum(length, 1.0, out=length)


def drooped(held: Floats, droop: float) -> Floats:
    """Where a ramp over one full conversion meets a charge that droops meanwhile.

    Solves length = held * exp(-droop * length) by Newton's method; ``droop`` is the relative
    loss over a full conversion. Charges above saturation droop too; a ramp meets negative ones
    nowhere, they are returned as they are.
    """
    if not droop:
        return held
    positive = np.maximum(held, 0.0)
    length = positive / (1.0 + droop * positive)
    for _ in range(6):
        remaining = positive * np.exp(-droop * length)
        length = length - (length - remaining) / (1.0 + droop * remaining)
    return np.where(held > 0, length, held)


def skewed(widths: NDArray[Any], skew: Floats) -> NDArray[Any]:
    """Pulse widths, cycles, with each line's edge skew; a line without a pulse stays silent."""
    return np.where(widths > 0, np.maximum(widths + skew, 0.0), 0.0) if skew.any() else widths


def query_skew(shape: tuple[int, ...], sigma_cycles: float, rng: np.random.Generator) -> Floats:
    """Edge skew of each query line of a ``shape``, cycles."""
    return _static(shape, sigma_cycles, rng)


def cell_offset(shape: tuple[int, ...], sigma: float, rng: np.random.Generator) -> Floats:
    """Additional charge of each cell of a ``shape`` per full-length pulse."""
    return _static(shape, sigma, rng)


def _static(shape: tuple[int, ...], sigma: float, rng: np.random.Generator) -> Floats:
    return rng.normal(0.0, sigma, shape) if sigma else np.zeros(shape)
