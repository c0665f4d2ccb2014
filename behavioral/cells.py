"""An array of gain cells: stored voltages, their leak, and the charge that pulses read."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral import faults as fault
from gaincell.behavioral.faults import Faults
from gaincell.config import HeadConfig

Floats = NDArray[np.float64]


class CellArray:
    """The K or the V cells of all sub-tiles: ``tiles * columns`` slots of D cells each.

    With ``groups`` every group of a core has such cells: arrays of codes, pulses and charges then
    have a first axis more, (groups, ...). All groups are written and read together.

    The slot of ring sub-tile i, column j is i * columns + j; the sink's sub-tile comes last, and
    its columns beyond ``sink`` do not exist. At power-up cells hold random voltages.

    Parameters
    ----------
    name : "K" (driven per dimension, read per column) or "V" (driven per column, read per
        dimension)
    rng : numpy.random.Generator
        Source of the power-up state and of all fault randomness.
    groups : int, optional
        Groups of heads in lock step; None for the arrays of one head.
    """

    def __init__(
        self,
        name: Literal["K", "V"],
        config: HeadConfig,
        faults: Faults,
        rng: np.random.Generator,
        groups: int | None = None,
    ) -> None:
        self.name = name
        self.config = config
        self.faults = faults
        self.rng = rng
        self.code_max = config.key_max if name == "K" else config.value_max
        self.slots = config.slots
        self._groups = leading(groups)
        shape = (*self._groups, self.slots, config.head_dim)
        self.exists = np.arange(self.slots) < config.stored_columns

        self._bow = fault.dac_bow((*self._groups, config.head_dim), faults.dac_inl_lsb, rng)
        self._leak = fault.leak_factor(shape, faults.leak_spread, rng)
        self._gain = fault.cell_mismatch(shape, faults.gain_mismatch, rng) * self._line()

        self.clock = 0
        """Now, in accepted tokens or in clock cycles, as ``age_mode`` counts."""
        self.written = np.zeros(self.slots, dtype=np.int64)
        """When each column was last written, on ``clock``."""
        self._written_cycle = np.zeros(self.slots, dtype=np.int64)
        self._existing_cycle = self._written_cycle[: config.stored_columns]
        self._constant = config.cell_coefficients[0] * self._gain
        self._constant += fault.cell_offset(shape, faults.offset_mismatch, rng)
        self._constant_is_uniform = bool(np.ptp(self._constant) == 0)
        self._orders = range(1, len(config.cell_coefficients))
        self._volts = np.empty(shape)
        self._powers = np.empty((len(self._orders), *shape))
        self._store(np.arange(self.slots), rng.uniform(0.0, config.full_scale_v, shape))

    def write(self, slots: NDArray[np.integer], codes: NDArray[np.integer], cycle: int = 0) -> None:
        """Store ``codes`` ([groups,] D) in every slot of ``slots``; their age is 0 now.

        ``cycle`` is the first in which they are stored, whatever ``clock`` counts.
        """
        step_v = self.config.full_scale_v / self.code_max
        volts = fault.dac_voltage(codes, self.code_max, step_v, self._bow)
        shape = (*self._groups, len(slots), self.config.head_dim)
        each = np.broadcast_to(volts[..., None, :], shape)
        each = fault.write_noise(each, self.faults.write_error_v, self.rng)
        self._store(slots, fault.write_noise(each, self.faults.ktc_noise_v, self.rng))
        self.written[slots] = self.clock
        self._written_cycle[slots] = cycle

    def oldest(self) -> tuple[int, int]:
        """The slot with the oldest write, the first of several, and the cycle of that write.

        Empty slots count. A slot that was never written counts as written in cycle 0.
        """
        slot = int(self._existing_cycle.argmin())
        return slot, int(self._existing_cycle[slot])

    def poison(self, slots: NDArray[np.integer]) -> None:
        """Make the content of ``slots`` unknown, after a write that was cut short or disturbed."""
        self._store(slots, np.full((*self._groups, len(slots), self.config.head_dim), np.nan))

    def read_columns(self, drive: Floats, decay: float) -> Floats:
        """Charge of each column (slots,) for pulses of length ``drive`` (D,), fraction of full.

        Of groups, (groups, slots) for (groups, D).

        ``decay`` is what one unit of age leaves of a centred voltage.
        """
        if self._leak is not None:
            return self._per_column(self._charge_cell_by_cell(decay), drive)
        if self._constant_is_uniform:
            driven = self._constant.flat[0] * drive.sum(axis=-1, keepdims=True)
            charge = np.repeat(driven, self.slots, axis=-1)
        else:
            charge = self._per_column(self._constant, drive)
        for factor, power in self._aged_powers(decay):
            charge += factor * self._per_column(power, drive)
        return charge

    def read_tiles(self, drive: Floats, decay: float) -> Floats:
        """Charge per sub-tile and dimension (tiles, D) for pulses ``drive`` (slots,) on columns.

        Of groups, (groups, tiles, D) for (groups, slots).
        """
        if self._leak is not None:
            return self._per_tile(drive, self._charge_cell_by_cell(decay))
        if self._constant_is_uniform:
            driven = drive.reshape(*self._groups, self.config.tiles, 1, -1).sum(axis=-1)
            charge = np.repeat(self._constant.flat[0] * driven, self.config.head_dim, axis=-1)
        else:
            charge = self._per_tile(drive, self._constant)
        for factor, power in self._aged_powers(decay):
            charge += self._per_tile(drive * factor, power)
        return charge

    def _per_column(self, cells: Floats, drive: Floats) -> Floats:
        charge: Floats = (cells @ drive[..., None])[..., 0]
        return charge

    def _per_tile(self, drive: Floats, cells: Floats) -> Floats:
        tiles, columns, dims = self.config.tiles, self.config.columns, self.config.head_dim
        rows = drive.reshape(*self._groups, tiles, 1, columns)
        charge: Floats = rows @ cells.reshape(*self._groups, tiles, columns, dims)
        return charge.reshape(*self._groups, tiles, dims)

    def _aged_powers(self, decay: float) -> Iterator[tuple[Floats, Floats]]:
        """a_i * gamma^(i * age) per column and the stored (V - center)^i, for orders i >= 1."""
        remaining: Floats = np.power(decay, self.clock - self.written)
        left = remaining
        for order in self._orders:
            yield self.config.cell_coefficients[order] * left, self._powers[order - 1]
            left = left * remaining

    def _charge_cell_by_cell(self, decay: float) -> Floats:
        """Charge of a full pulse ([groups,] slots, D) where every cell leaks at its own rate."""
        assert self._leak is not None
        centred = self._volts - self.config.center_v
        centred = centred * decay ** ((self.clock - self.written)[:, None] / self._leak)
        variable = (0.0, *self.config.cell_coefficients[1:])
        return self._gain * np.polynomial.polynomial.polyval(centred, variable) + self._constant

    def _store(self, slots: NDArray[np.integer], volts: Floats) -> None:
        self._volts[..., slots, :] = volts
        centred = volts - self.config.center_v
        power = self._gain[..., slots, :]
        for order in self._orders:
            power = power * centred
            self._powers[order - 1][..., slots, :] = power

    def _line(self) -> Floats:
        """IR drop along the word lines: over a sub-tile's columns in K, over dimensions in V."""
        columns, dims, ir_drop = self.config.columns, self.config.head_dim, self.faults.ir_drop
        if self.name == "V":
            return fault.line_loss(dims, ir_drop)
        return np.tile(fault.line_loss(columns, ir_drop), self.config.tiles)[:, None]


def leading(groups: int | None) -> tuple[int, ...]:
    """The first axis of arrays that groups of heads have, one head does not."""
    return () if groups is None else (groups,)
