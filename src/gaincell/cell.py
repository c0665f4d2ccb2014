"""The read response of a gain cell: charge against stored voltage, with named presets."""

import numpy as np

Coefficients = tuple[float, ...]

CUBIC: Coefficients = (0.52136361, 13.61226063, -2.62044562, 46.05483778)
"""Charge of a full read pulse as a polynomial of (V - 0.45 V).

Leroux et al., Nature Computational Science 5, 813 (2025): their C_ij contracted with V_in = 0.9 V.
"""

LINEAR: Coefficients = (0.0, 19.3)
"""The linear cell of the paper's intermediate training model, from the same source."""

CELLS: dict[str, Coefficients] = {"cubic": CUBIC, "linear": LINEAR}


def largest_charge(coefficients: Coefficients, low_v: float, high_v: float) -> float:
    """Largest charge of a full read pulse for centred voltages in [low_v, high_v] (V).

    The maximum of a polynomial over an interval lies at an end or where its derivative vanishes.
    """
    response = np.polynomial.Polynomial(np.asarray(coefficients, dtype=np.float64))
    roots = np.asarray(response.deriv().roots(), dtype=np.complex128)
    turning = roots[np.isreal(roots)].real
    inside = turning[(turning > low_v) & (turning < high_v)]
    return float(np.max(response(np.concatenate([[low_v, high_v], inside]))))
