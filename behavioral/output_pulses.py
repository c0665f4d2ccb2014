"""The output pulses of the V converters as the digital control samples them."""

import numpy as np
from numpy.typing import NDArray

from gaincell.config import HeadConfig


class OutputPulses:
    """Pulse and sign wires of all sub-tiles, D bits each, sub-tile 0 and dimension 0 lowest.

    Groups of heads in lock step follow each other, each with its sub-tiles.

    The pulse wire is constant over a clock cycle. It is low outside the output phase, and in the
    first ``late_cycles`` of it. The sign wire
    holds from the start of the phase until ``sync_stages`` cycles after its end. Outside it carries
    random bits, so that a control which samples too early or too late computes wrong results.
    """

    def __init__(self, config: HeadConfig, groups: int = 1) -> None:
        self._samples = config.readout_max
        self._late_cycles = config.late_cycles
        self._hold_cycles = config.sync_stages
        wires = groups * config.tiles * config.head_dim
        self._bytes = -(-wires // 8)
        self._mask = (1 << wires) - 1
        self._noise = np.random.default_rng(0)
        self._counts: NDArray[np.integer] = np.zeros(0, dtype=np.int64)
        self._start = 0
        self._stop: int | None = 0
        self._negative: NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)
        self._sign: int | None = 0
        """None: those of ``_negative``, not packed yet."""
        self._sign_until: int | None = 0

    def begin(
        self, high_cycles: NDArray[np.integer], negative: NDArray[np.bool_], cycle: int
    ) -> None:
        """Start a phase in ``cycle``: pulses are high for ``high_cycles``.

        Both arrays are ([groups,] tiles, D).
        """
        self._counts, self._negative = high_cycles, negative
        self._start = cycle
        self._sign = None
        self._stop = self._sign_until = None

    def end(self, cycle: int) -> None:
        """The phase ended before ``cycle``."""
        self._stop = cycle
        self._sign_until = cycle + self._hold_cycles

    def at(self, cycle: int) -> tuple[int, int]:
        """Pulse and sign wires in ``cycle``."""
        if self._sign_until is not None and cycle >= self._sign_until:
            self._sign = int.from_bytes(self._noise.bytes(self._bytes), "little") & self._mask
            self._sign_until = cycle + self._samples
        if self._sign is None:
            self._sign = _pack(self._negative)
        sample = cycle - self._start - self._late_cycles
        running = self._stop is None and 0 <= sample < self._samples
        return (_pack(self._counts > sample) if running else 0), self._sign


def _pack(bits: NDArray[np.bool_]) -> int:
    return int.from_bytes(np.packbits(bits.ravel(), bitorder="little").tobytes(), "little")
