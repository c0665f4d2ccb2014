"""Arrays with the faults of ``behavioral.faults`` in torch: same parameters and distributions."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gaincell.behavioral.faults import Faults
from gaincell.config import HeadConfig


@dataclass(frozen=True)
class Cells:
    """Static faults of the K or of the V cells of each key and value head.

    bow : (H_kv, D) mid-scale bow of the DACs, steps; gain : (H_kv, slots, D) factor on a charge;
    offset : (H_kv, slots, D) added charge; leak : (H_kv, slots, D) factor on the retention time,
    or None
    """

    bow: Tensor
    gain: Tensor
    offset: Tensor
    leak: Tensor | None


@dataclass(frozen=True)
class Converters:
    """Charge-to-pulse converters: offset and slope (banks, H_kv, …), others as in ``Faults``."""

    offset: Tensor
    slope: Tensor
    full_cycles: int
    faults: Faults

    def pulse(self, charge: Tensor, bank: Tensor, generator: torch.Generator) -> Tensor:
        """Pulse length 0..1 for ``charge`` (B, H_kv, queries, …), a fraction of saturation.

        ``bank`` (queries,) is the bank of converters of each query. The gradient of droop passes
        straight through.
        """
        droop = self.faults.hold_droop_per_cycle * self.full_cycles
        length = charge + (drooped(charge, droop) - charge).detach() if droop else charge
        if self.faults.comparator_offset or self.faults.ramp_gain_error:
            offset, slope = (static[bank].transpose(0, 1) for static in (self.offset, self.slope))
            length = (length + offset) * (1 + slope)
        if self.faults.pulse_jitter_cycles:
            sigma = self.faults.pulse_jitter_cycles / self.full_cycles
            length = torch.where(
                length > 0, length + sigma * normal_like(length, generator), length
            )
        return length.clamp(0, 1)


class FaultyArrays:
    """Static faults of the arrays of H_kv heads, drawn once; every batch row runs on them.

    Parameters
    ----------
    heads : H_kv, key and value heads, each with arrays and converters of its own
    generator : torch.Generator, optional
        Source of all static faults; seeded with 0 by default.
    dtype : of the arrays' constants; what the op computes in is decided by its inputs
    """

    def __init__(
        self,
        config: HeadConfig,
        faults: Faults,
        heads: int,
        generator: torch.Generator | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        if not isinstance(faults, Faults):
            raise TypeError(f"faults is {type(faults).__name__}, but must be Faults")
        self.config, self.faults, self.heads = config, faults, heads
        if generator is None:
            generator = torch.Generator().manual_seed(0)
        slots, dims = config.slots, config.head_dim

        def static(sigma: float, *shape: int) -> Tensor:
            if not sigma:
                return torch.zeros(shape, dtype=dtype)
            return sigma * torch.randn(shape, dtype=dtype, generator=generator)

        def cells(loss: Tensor) -> Cells:
            bow = static(faults.dac_inl_lsb, heads, dims)
            leak = static(faults.leak_spread, heads, slots, dims).exp()
            gain = (1 + static(faults.gain_mismatch, heads, slots, dims)) * loss
            offset = static(faults.offset_mismatch, heads, slots, dims)
            return Cells(bow, gain, offset, leak if faults.leak_spread else None)

        def converters(full_cycles: int, *shape: int) -> Converters:
            shape = (config.timing.banks, heads, *shape)
            offset = static(faults.comparator_offset, *shape)
            slope = static(faults.ramp_gain_error, *shape)
            return Converters(offset, slope, full_cycles, faults)

        def line(cells: int) -> Tensor:
            place = torch.arange(cells, dtype=dtype)
            return 1 - faults.ir_drop * place / max(1, cells - 1)

        # A word line of K runs along the columns of a sub-tile, one of V along the dimensions.
        self.k = cells(line(config.columns).repeat(config.tiles)[:, None])
        self.v = cells(line(dims))
        self.phi_stage = converters(config.pulse_cycles, slots)
        self.out_stage = converters(config.readout_max, config.tiles, dims)
        self.skew = static(faults.query_skew_cycles, heads, dims)

    def check(self, config: HeadConfig, heads: int) -> None:
        """Refuse a head of another geometry, or another number of key and value heads.

        Raises
        ------
        ValueError
            The arrays were drawn for another head.
        """
        for name in ("head_dim", "window", "columns", "sink", "readout_bits", "pulse_cycles"):
            own, other = getattr(self.config, name), getattr(config, name)
            if own != other:
                raise ValueError(f"the faulty arrays have {name} {own}, but the config has {other}")
        if heads != self.heads:
            raise ValueError(f"the faulty arrays are of {self.heads} heads, but k has {heads}")


def stored_volts(
    code: Tensor, largest: int, cells: Cells, arrays: FaultyArrays, generator: torch.Generator
) -> Tensor:
    """Voltages (B, H_kv, S, D) of codes as the DACs and the write leave them, V."""
    faults, step_v = arrays.faults, arrays.config.full_scale_v / largest
    if faults.dac_inl_lsb:
        position = (code / largest).detach()
        code = code + cells.bow.to(code)[:, None] * 4 * position * (1 - position)
    volts = step_v * code
    for sigma_v in (faults.write_error_v, faults.ktc_noise_v):
        if sigma_v:
            volts = volts + sigma_v * normal_like(volts, generator)
    return volts


def drooped(charge: Tensor, droop: float) -> Tensor:
    """Time when a ramp over one full conversion meets a drooping charge; any shape, no gradient.

    As ``behavioral.faults.drooped``: length = charge * exp(-droop * length), by Newton's method.
    """
    with torch.no_grad():
        positive = charge.clamp(min=0)
        length = positive / (1 + droop * positive)
        for _ in range(6):
            remaining = positive * torch.exp(-droop * length)
            length = length - (length - remaining) / (1 + droop * remaining)
        return torch.where(charge > 0, length, charge)


def skewed(drive: Tensor, skew: Tensor, pulse_cycles: int) -> Tensor:
    """Query pulses (B, H_kv, queries, D), fraction of full, with each line's skew (H_kv, D)."""
    widths = drive + skew.to(drive)[:, None] / pulse_cycles
    return torch.where(drive > 0, widths.clamp(min=0), 0.0)


def normal_like(x: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal numbers of x's shape and type."""
    drawn = torch.randn(x.shape, dtype=x.dtype, device=generator.device, generator=generator)
    return drawn.to(x.device)
