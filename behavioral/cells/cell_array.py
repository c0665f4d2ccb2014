"""An array of gain cells: stored voltages, their leak, and the charge that pulses read."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral import faults as fault
from gaincell.behavioral.cells.ageing import Ageing
from gaincell.behavioral.cells.driven_columns import add_up, charges_by_code
from gaincell.behavioral.faults import Faults
from gaincell.config import HeadConfig

Floats = NDArray[np.float64]
Slots = NDArray[np.integer] | slice
FEW = 1 / 4
"""Share of the columns of V up to which it is quicker to read only those that are driven."""

ROUNDING = 1e-9
"""How far a whole number may be off after a few operations in double precision, at most."""
LARGEST_WHOLE = 1 << 24
"""Single precision holds all whole numbers up to it."""


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
        self.code_bits = self.code_max.bit_length()
        self.slots = config.slots
        self.groups = leading(groups)
        shape = (*self.groups, self.slots, config.head_dim)
        self.exists = np.arange(self.slots) < config.stored_columns

        self._bow = fault.dac_bow((*self.groups, config.head_dim), faults.dac_inl_lsb, rng)
        self._leak = fault.leak_factor(shape, faults.leak_spread, rng)
        self._gain = fault.cell_mismatch(shape, faults.gain_mismatch, rng) * self._line()

        self._step_v = config.full_scale_v / self.code_max
        self.clock = 0
        """Now, in accepted tokens or in clock cycles, as ``age_mode`` counts."""
        self.written = np.zeros(self.slots, dtype=np.int64)
        """When each column was last written, on ``clock``."""
        self._written_cycle = np.zeros(self.slots, dtype=np.int64)
        self._existing_cycle = self._written_cycle[: config.stored_columns]
        self._constant = config.cell_coefficients[0] * self._gain
        self._constant += fault.cell_offset(shape, faults.offset_mismatch, rng)
        self._constant_is_uniform = bool(np.ptp(self._constant) == 0)
        self.uniform_constant = float(self._constant.flat[0])
        """Charge of a full pulse that no voltage changes, where it is that of every cell."""
        self._orders = range(1, len(config.cell_coefficients))
        self.changes = 0
        """How often cells were written or lost their content."""
        self.alike_from = self.slots
        """Columns from this one on hold what a write of all left, with one age; none at first."""
        # Voltages in half steps of the code: ideal cells then hold small whole numbers, of which
        # single precision keeps every sum exactly.
        self._unit_v = config.full_scale_v / self.code_max / 2
        self._exact = self._sums_are_exact()
        kept = np.float32 if self._exact else np.float64
        self.powers_of_code = self._exact_powers()
        """Powers of ideal cells that hold each code, (orders, codes); none where cells differ."""
        # Ideal values are read by their codes, which take less memory than three powers.
        self._by_code = name == "V" and self._constant_is_uniform and bool(len(self.powers_of_code))
        powers = 0 if self._by_code else len(self._orders)
        self._volts = np.empty(shape)
        self.powers: NDArray[np.floating] = np.empty((powers, *shape), dtype=kept)
        """Powers of the cells' voltages (orders, [groups,] slots, D), unless read by codes."""
        self.codes = np.zeros(shape if self._by_code else (0,) * len(shape), dtype=np.uint8)
        orders = np.arange(1, len(self._orders) + 1)
        coefficients = np.array(config.cell_coefficients[1:]) * self._unit_v**orders
        self.ageing = Ageing(coefficients, config.age_mode == "steps")
        """What ages leave of the powers of voltages, in half steps of the code."""
        self._poisoned = np.zeros(self.slots, dtype=bool)
        self._any_poisoned = False
        self._store(slice(None), rng.uniform(0.0, config.full_scale_v, shape))

    @property
    def is_ideal(self) -> bool:
        """All cells are alike and their content is known; sums of whole numbers are exact."""
        alike = self._constant_is_uniform and bool(len(self.powers_of_code))
        return alike and not self._any_poisoned

    def write(self, slots: Slots, codes: NDArray[np.integer], cycle: int = 0) -> None:
        """Store ``codes`` ([groups,] D) in every slot of ``slots``; their age is 0 now.

        ``cycle`` is the first in which they are stored, whatever ``clock`` counts.
        """
        self.changes += 1
        self.alike_from = self._alike_after(slots)
        if self._by_code:
            self.codes[..., slots, :] = codes[..., None, :]
        elif len(self.powers_of_code):
            powers = self.powers_of_code.take(codes, axis=1)
            self.powers[..., slots, :] = powers[..., None, :]
        else:
            volts = fault.dac_voltage(codes, self.code_max, self._step_v, self._bow)
            each = np.empty_like(self._volts[..., slots, :])
            each[:] = volts[..., None, :]
            each = fault.write_noise(each, self.faults.write_error_v, self.rng)
            self._store(slots, fault.write_noise(each, self.faults.ktc_noise_v, self.rng))
        if self._any_poisoned:
            self._poisoned[slots] = False
            self._any_poisoned = bool(self._poisoned.any())
        self.written[slots] = self.clock
        self._written_cycle[slots] = cycle

    def different(self, stop: int = 0) -> int:
        """Columns up to ``stop`` and beyond, of which the last is as all further ones are."""
        return min(max(self.alike_from, stop) + 1, self.slots)

    def oldest(self) -> tuple[int, int]:
        """The slot with the oldest write, the first of several, and the cycle of that write.

        Empty slots count. A slot that was never written counts as written in cycle 0.
        """
        slot = int(self._existing_cycle.argmin())
        return slot, int(self._existing_cycle[slot])

    def poison(self, slots: Slots) -> None:
        """Make the content of ``slots`` unknown, after a write that was cut short or disturbed."""
        self.changes += 1
        self._store(slots, np.full_like(self._volts[..., slots, :], np.nan))
        self._poisoned[slots] = self._any_poisoned = True

    def read_columns(self, pulses: NDArray[Any], decay: float, full: int = 1) -> Floats:
        """Charge of each column (slots,) for pulses (D,), in parts of which ``full`` fill a phase.

        Of groups, (groups, slots) for (groups, D). Integers, as whole cycles are, let ideal cells
        sum in single precision, which keeps their sums exactly. ``decay`` is what one unit of age
        leaves of a centred voltage.
        """
        drive = pulses / full
        if self._leak is not None:
            return self._per_column(self._charge_cell_by_cell(decay), drive)
        if self._constant_is_uniform:
            constant = self.uniform_constant * drive.sum(axis=-1, keepdims=True)
        else:
            constant = self._per_column(self._constant, drive)
        exact = self._exact and pulses.dtype.kind == "i"
        count = self.different() if exact and self.is_ideal else self.slots
        factors = self._aged(decay, slice(count)).reshape(-1, *(1 for _ in self.groups), count)
        if exact:
            charges = self._per_column(self.powers[..., :count, :], pulses.astype(np.float32))
            factors /= full
        else:
            charges = self._per_column(self.powers, drive)
        charge = np.empty((*self.groups, self.slots))
        read = np.add.reduce(factors * charges, axis=0, out=charge[..., :count])
        read += constant
        charge[..., count:] = read[..., -1:]
        return charge

    def read_tiles(self, drive: Floats, decay: float) -> Floats:
        """Charge per sub-tile and dimension (tiles, D) for pulses ``drive`` (slots,) on columns.

        Of groups, (groups, tiles, D) for (groups, slots).
        """
        if self._leak is not None:
            return self._per_tile(drive, self._charge_cell_by_cell(decay))
        read = drive != 0
        if self._any_poisoned:
            read |= self._poisoned
        places = np.flatnonzero(read)
        if self._by_code:
            return self._per_tile_by_code(drive.ravel()[places], places, decay)
        if len(places) <= FEW * drive.size:
            return self._per_tile_of_few(drive.ravel()[places], places, decay)
        charge = self._per_tile(drive, self._constant)
        for factor, power in zip(self._aged(decay, slice(None)), self.powers, strict=True):
            charge += self._per_tile(drive * factor, power)
        return charge

    def _alike_after(self, slots: Slots) -> int:
        """``alike_from`` after a write of ``slots``."""
        if not isinstance(slots, slice):
            return self.slots
        whole = slots == slice(self.config.stored_columns)
        return 0 if whole else max(self.alike_from, slots.stop)

    def _per_column(self, cells: NDArray[np.floating], drive: NDArray[np.floating]) -> Floats:
        charge: Floats = (cells @ drive[..., None])[..., 0]
        return charge

    def _per_tile(self, drive: Floats, cells: Floats) -> Floats:
        tiles, columns, dims = self.config.tiles, self.config.columns, self.config.head_dim
        rows = drive.reshape(*self.groups, tiles, 1, columns)
        charge: Floats = rows @ cells.reshape(*self.groups, tiles, columns, dims)
        return charge.reshape(*self.groups, tiles, dims)

    def _per_tile_by_code(self, drive: Floats, places: NDArray[np.intp], decay: float) -> Floats:
        """As ``_per_tile_of_few`` for ideal cells: a driven column has one charge for each code."""
        slots = places % self.slots if self.groups else places
        own = self.codes.reshape(-1, self.config.head_dim).take(places, axis=0)
        factors = self._aged(decay, slots)
        read = charges_by_code(drive, factors, own, self.powers_of_code, self.uniform_constant)
        if self._any_poisoned:
            read[self._poisoned[slots]] = np.nan
        return self._summed(read, places)

    def _per_tile_of_few(self, drive: Floats, places: NDArray[np.intp], decay: float) -> Floats:
        """As ``read_tiles``, for pulses (n,) on the columns at ``places`` of all groups' slots."""
        weights = self._aged(decay, places % self.slots if self.groups else places)
        weights *= drive
        dims = self.config.head_dim
        cells = self.powers.reshape(len(weights), -1, dims).take(places, axis=1)
        read = np.einsum("on,ond->nd", weights, cells)
        read += drive[:, None] * self._constant.reshape(-1, dims)[places]
        return self._summed(read, places)

    def _summed(self, read: Floats, places: NDArray[np.intp]) -> Floats:
        """Charges ([groups,] tiles, D) of sub-tiles from those (n, D) of columns at ``places``."""
        charge = np.zeros((*self.groups, self.config.tiles, self.config.head_dim))
        add_up(read, places // self.config.columns, charge)
        return charge

    def _aged(self, decay: float, slots: Slots) -> Floats:
        return self.ageing.factors(decay, self.clock - self.written[slots])

    def _charge_cell_by_cell(self, decay: float) -> Floats:
        """Charge of a full pulse ([groups,] slots, D) where every cell leaks at its own rate."""
        assert self._leak is not None
        centred = self._volts - self.config.center_v
        centred = centred * decay ** ((self.clock - self.written)[:, None] / self._leak)
        variable = (0.0, *self.config.cell_coefficients[1:])
        return self._gain * np.polynomial.polynomial.polyval(centred, variable) + self._constant

    def _store(self, slots: Slots, volts: Floats) -> None:
        if self._by_code:
            known = np.nan_to_num(volts, nan=0.0)
            self.codes[..., slots, :] = np.rint(known / self._step_v).astype(np.uint8)
            return
        self._volts[..., slots, :] = volts
        centred = (volts - self.config.center_v) / self._unit_v
        if self._exact:
            centred = centred.astype(np.float32)
        power = self._gain[..., slots, :]
        for order in self._orders:
            power = power * centred
            self.powers[order - 1][..., slots, :] = power

    def _exact_powers(self) -> NDArray[np.float32]:
        """Powers of ideal cells that hold each code (orders, codes); none where cells differ."""
        levels = np.empty((0, self.code_max + 1), dtype=np.float32)
        if not self._exact or self._leak is not None:
            return levels
        volts = np.arange(self.code_max + 1) * self._step_v
        centred = ((volts - self.config.center_v) / self._unit_v).astype(np.float32)
        return np.vstack([levels, *(centred**order for order in self._orders)])

    def _sums_are_exact(self) -> bool:
        """Powers of ideal cells are whole, and no sum of a read leaves single precision."""
        config, kept = self.config, self.faults
        center = config.center_v / self._unit_v
        largest = max(abs(center), abs(2 * self.code_max - center)) ** len(self._orders)
        moved = self._bow.any() or kept.write_error_v or kept.ktc_noise_v
        ideal = not (moved or (self._gain != 1).any())
        sums = largest * config.head_dim * config.pulse_cycles
        return ideal and abs(center - round(center)) < ROUNDING and sums < LARGEST_WHOLE

    def _line(self) -> Floats:
        """IR drop along the word lines: over a sub-tile's columns in K, over dimensions in V."""
        columns, dims, ir_drop = self.config.columns, self.config.head_dim, self.faults.ir_drop
        if self.name == "V":
            return fault.line_loss(dims, ir_drop)
        return np.tile(fault.line_loss(columns, ir_drop), self.config.tiles)[:, None]


def leading(groups: int | None) -> tuple[int, ...]:
    """The first axis of arrays that groups of heads have, one head does not."""
    return () if groups is None else (groups,)
