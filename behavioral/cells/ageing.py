"""What its age leaves of a cell's voltage, order by order of the cell's polynomial."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
AGES_KEPT = 1 << 12
"""Ages, in tokens, whose factors are computed once."""


class Ageing:
    """Factors of the powers of a cell's voltage.

    Parameters
    ----------
    coefficients : (orders,) a_i of the cell's polynomial for orders i >= 1, in any unit of voltage
    in_steps : ages are small numbers of tokens, not of clock cycles
    """

    def __init__(self, coefficients: Floats, in_steps: bool) -> None:
        self._coefficients, self._in_steps = coefficients, in_steps
        self._kept: tuple[float, Floats] = (0.0, np.empty((len(coefficients), 0)))

    def factors(self, decay: float, ages: NDArray[np.int64]) -> Floats:
        """a_i * decay^(i * age) for ``ages`` of any shape: (orders, ...), new.

        ``decay`` is what one unit of age leaves.
        """
        if not self._in_steps:
            return self._of(np.power(decay, ages))
        if self._kept[0] != decay:
            self._kept = decay, self._of(np.power(decay, np.arange(AGES_KEPT)))
        try:
            return self._kept[1].take(ages, axis=1)
        except IndexError:
            return self._of(np.power(decay, ages))

    def _of(self, remaining: Floats) -> Floats:
        factors = np.empty((len(self._coefficients), *remaining.shape))
        left = remaining
        for order, coefficient in enumerate(self._coefficients):
            np.multiply(coefficient, left, out=factors[order])
            left = left * remaining
        return factors
