"""The analog part of heads: cell arrays, integrators and charge-to-pulse converters."""

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral import faults as fault
from gaincell.behavioral.ahead.block import Pulses
from gaincell.behavioral.ahead.foresight import Foresight, Read
from gaincell.behavioral.cells.cell_array import CellArray, leading
from gaincell.behavioral.faults import Converters, Faults
from gaincell.behavioral.integrators import Integrators
from gaincell.behavioral.tokens import Tokens
from gaincell.config import HeadConfig

Floats = NDArray[np.float64]


class PoisonedRead(Exception):
    """A conversion depends on cells whose content is unknown."""


class AnalogHead:
    """The charges of one head, and the operations that the control's enables trigger.

    It knows no wires; ``pins.ArrayPins`` translates wires into these operations.
    In age mode "steps" an array ages by one with every token that is written; in age mode "time"
    the ``cycle`` of each operation tells its age. A converter bank is 0, or 0 and 1 with the
    "paired" schedule.

    Parameters
    ----------
    faults : Faults, optional
        Non-idealities; none by default.
    rng : numpy.random.Generator, optional
        Source of the power-up state and of all fault randomness; seeded with 0 by default.
    groups : int, optional
        Groups of heads in lock step, each with arrays of its own: codes, widths and outputs then
        have a first axis more, (groups, ...), and each operation serves all groups at once.
    """

    def __init__(
        self,
        config: HeadConfig,
        faults: Faults | None = None,
        rng: np.random.Generator | None = None,
        groups: int | None = None,
    ) -> None:
        self.config = config
        self.faults = faults or Faults()
        self.rng = rng or np.random.default_rng(0)
        self.groups = leading(groups)
        self.k = CellArray("K", config, self.faults, self.rng, groups)
        self.v = CellArray("V", config, self.faults, self.rng, groups)
        self._ages_in_steps = config.age_mode == "steps"
        self._can_expect = self._ages_in_steps and self.faults == Faults()
        self._s_sat, self._a_sat = config.s_sat, config.a_sat
        self._decay = float(np.exp(-config.decay_rate))

        banks = config.timing.banks
        scores = (*self.groups, self.k.slots)
        outputs = (*self.groups, config.tiles, config.head_dim)
        at_power_up = self.rng.uniform(0.0, config.s_sat, (banks, *scores))
        self._scores = [Integrators[Read](charge) for charge in at_power_up]
        at_power_up = self.rng.uniform(-config.a_sat, config.a_sat, (banks, *outputs))
        self._outputs = [Integrators[Pulses](charge) for charge in at_power_up]
        self._phi_stage = [
            Converters.draw(scores, config.pulse_cycles, self.faults, self.rng)
            for _ in range(banks)
        ]
        self._out_stage = [
            Converters.draw(outputs, config.readout_max, self.faults, self.rng)
            for _ in range(banks)
        ]
        lines = (*self.groups, config.head_dim)
        self._skew = fault.query_skew(lines, self.faults.query_skew_cycles, self.rng)
        self._is_skewed = bool(self._skew.any())
        self._foresight: Foresight | None = None
        self._position = 0
        self.foreseen_reads = 0
        """Reads whose charges had been computed beforehand."""

    def expect(self, tokens: Tokens) -> None:
        """Say which tokens come next, as ``Tokens.in_lock_step`` gives them.

        It only saves time: outputs follow from the operations alone, as ever.
        """
        if not self._can_expect:
            return
        self._foresight = Foresight(
            tokens,
            self._position,
            (self.k, self.v),
            (self._pulses, self._samples),
            self._decay,
            self.config,
        )
        self._position = self._foresight.position
        for scores in self._scores:
            scores.known = None

    def codes_of(self, array: CellArray, packed: int) -> NDArray[np.integer] | None:
        """Codes of the token that is expected next in ``array``, if they are those on its wires."""
        return None if self._foresight is None else self._foresight.codes(array, packed)

    def write_column(
        self, array: CellArray, slot: int, codes: NDArray[np.integer], cycle: int
    ) -> None:
        """Write the codes (D,) of a new token into one slot; the write ends before ``cycle``."""
        if self._foresight is not None:
            self._foresight.token_comes(array, slot, codes)
        array.clock = array.clock + 1 if self._ages_in_steps else cycle
        array.write(slice(slot, slot + 1), codes, cycle)

    def rewrite_column(
        self, array: CellArray, slot: int, codes: NDArray[np.integer], cycle: int
    ) -> None:
        """Refresh or clear one slot, which ages no other; the write ends before ``cycle``."""
        array.clock = array.clock if self._ages_in_steps else cycle
        array.write(slice(slot, slot + 1), codes, cycle)

    def write_all(self, array: CellArray, codes: NDArray[np.integer], cycle: int) -> None:
        """Write the same codes (D,) into every slot; the write ends before ``cycle``."""
        array.clock = array.clock if self._ages_in_steps else cycle
        array.write(slice(self.config.stored_columns), codes, cycle)

    def reset_scores(self, bank: int, left: float = 0.0) -> None:
        """Empty the K integrators; ``left`` is the fraction a short reset leaves behind."""
        self._scores[bank].reset(left)

    def reset_outputs(self, bank: int, left: float = 0.0) -> None:
        """Empty the V integrators; ``left`` is the fraction a short reset leaves behind."""
        self._outputs[bank].reset(left)

    def integrate_scores(self, bank: int, width_cycles: NDArray[np.integer], cycle: int) -> None:
        """QK, begun at ``cycle``: integrate query pulses of ``width_cycles`` (D,) per column."""
        self._begin_read(self.k, cycle)
        foreseen = None if self._foresight is None else self._foresight.scores(width_cycles)
        if foreseen is not None:
            charge, read = foreseen
            self.foreseen_reads += 1
            self._scores[bank].add(charge.reshape(*self.groups, -1), read)
            return
        full = self.config.pulse_cycles
        widths = fault.skewed(width_cycles, self._skew) if self._is_skewed else width_cycles
        charge = self.k.read_columns(widths, self._decay, full)
        if self.faults.read_noise:
            driven = (widths / full).sum(axis=-1, keepdims=True)
            charge = fault.integrated_noise(charge, driven, self.faults.read_noise, self.rng)
        self._scores[bank].add(charge)

    def integrate_outputs(self, k_bank: int, v_bank: int, cycles: int, cycle: int) -> None:
        """AV, begun at ``cycle``: convert scores to phi pulses and integrate what they read.

        ``cycles`` is the length of the phase, which cuts longer pulses off.
        """
        self._begin_read(self.v, cycle)
        read = self._scores[k_bank].known
        if read is not None and self._foresight is not None and cycles >= self.config.pulse_cycles:
            foreseen = self._foresight.outputs(read)
            if foreseen is not None:
                self.foreseen_reads += 1
                shape = *self.groups, self.config.tiles, self.config.head_dim
                charge, seen, negative = (each.reshape(shape) for each in foreseen)
                self._outputs[v_bank].add(charge, (seen, negative))
                return
        phi = self._phi(self._scores[k_bank].charge, k_bank)
        if cycles < self.config.pulse_cycles:
            phi = np.minimum(phi, cycles / self.config.pulse_cycles)
        charge = self.v.read_tiles(phi, self._decay)
        if self.faults.read_noise:
            driven = phi.reshape(*self.groups, self.config.tiles, -1).sum(axis=-1, keepdims=True)
            charge = fault.integrated_noise(charge, driven, self.faults.read_noise, self.rng)
        self._outputs[v_bank].add(charge)

    def convert(self, bank: int) -> Pulses:
        """OUT: cycles (tiles, D) for which each output pulse is seen high, and its sign.

        Sample i sees the pulse if the pulse lasts at least i + 1/2 clock cycles.

        Raises
        ------
        PoisonedRead
            A charge depends on cells whose write failed.
        """
        outputs = self._outputs[bank]
        if outputs.known is not None:
            return outputs.known
        charge = outputs.charge
        if np.isnan(np.vdot(charge, charge)):
            unknown = np.isnan(charge).any(axis=-1).reshape(-1, self.config.tiles)
            tiles = np.flatnonzero(unknown.any(axis=0))
            raise PoisonedRead(f"sub-tiles {tiles.tolist()} read cells whose write failed")
        return self._samples(charge, bank)

    def _samples(self, charge: Floats, bank: int = 0) -> Pulses:
        """As ``convert``, for charges of any shape if converters are alike."""
        relative = np.abs(charge)
        relative /= self._a_sat
        length = self._out_stage[bank].pulse(relative, self.rng)
        length *= self.config.readout_max
        # Exact: no length from half a cycle on loses a place by the difference.
        length -= 0.5
        seen = np.floor(length, out=length).astype(np.int16)
        seen += 1
        return seen, charge < 0

    def _phi(self, score: Floats, bank: int = 0) -> Floats:
        """Pulses of K converters, fractions of a phase, for charges (..., slots)."""
        phi = self._pulses(score, bank)
        phi[..., self.config.stored_columns :] = 0.0
        return phi

    def _pulses(self, score: Floats, bank: int = 0) -> Floats:
        """As ``_phi``, for columns that exist; for charges of any shape if converters are alike."""
        return self._phi_stage[bank].pulse(score / self._s_sat, self.rng)

    def _begin_read(self, array: CellArray, cycle: int) -> None:
        """Cells hold through a phase: they are as old as they were at its start."""
        if not self._ages_in_steps:
            array.clock = cycle
