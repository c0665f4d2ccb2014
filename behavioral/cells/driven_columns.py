"""What the few columns that pulses drive add to the outputs of their sub-tiles."""

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral.codes import Codes

Floats = NDArray[np.float64]


def charges_by_code(
    drive: Floats, factors: Floats, codes: Codes, powers: NDArray[np.floating], constant: float
) -> Floats:
    """Charges (n, D) of n columns of ideal cells: a column has one charge for each code.

    Parameters
    ----------
    drive : (n,) pulses, fractions of a phase
    factors : (orders, n) what ages leave of each power of a voltage
    codes : (n, D) of the cells
    powers : (orders, codes) of the voltage of each code
    constant : charge of a full pulse that no voltage changes
    """
    charges = (factors * drive).T @ powers
    charges += constant * drive[:, None]
    begins = np.arange(0, charges.size, charges.shape[1])
    found: Floats = charges.ravel().take(codes + begins[:, None])
    return found


def add_up(charges: Floats, tiles: NDArray[np.intp], outputs: Floats) -> None:
    """Put the sums of ``charges`` (n, D) of each sub-tile into ``outputs`` (..., D).

    tiles : (n,) numbers of sub-tiles, counted through all of ``outputs``, equal ones in a row
    """
    if len(tiles):
        begins = np.flatnonzero(np.concatenate(([True], tiles[1:] != tiles[:-1])))
        flat = outputs.reshape(-1, outputs.shape[-1])
        flat[tiles[begins]] = np.add.reduceat(charges, begins, axis=0)
