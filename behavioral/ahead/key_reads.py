"""Scores of ideal K arrays for a block of queries at once: many matrix products become a few."""

import numpy as np

from gaincell.behavioral.ahead.block import Block, Floats, first
from gaincell.behavioral.cells.cell_array import CellArray


class KeyReads:
    """Reads of an ideal K array for blocks of at most ``queries`` queries.

    A read takes the array as it is before the block's first token is written to it. What it
    returns holds until the next one: memory is taken once, since new pages are slow.

    Parameters
    ----------
    groups : groups of heads, each with cells of its own
    decay : as for ``CellArray.read_columns``
    """

    def __init__(self, array: CellArray, queries: int, groups: int, decay: float) -> None:
        self._array, self._decay = array, decay
        self._scores = np.empty(queries * groups * array.slots)
        self._part = np.empty(queries * array.slots)

    def scores(self, block: Block) -> Floats:
        """Charge of each column, (B * G, groups, n), for the queries of a block.

        With n < slots, the last charge is that of all further columns.
        """
        array, own, places = self._array, block.own, block.places
        queries, groups, dims = block.width_cycles.shape
        full = array.config.pulse_cycles
        count = array.different(int(block.slots.max()) + 1)
        factors = block.factors(array, self._decay, count)
        factors /= full
        stored = array.powers.reshape(-1, groups, array.slots, dims)
        written = array.powers_of_code.take(block.k_code, axis=1)
        scores = first(self._scores, queries, groups, count)
        part = first(self._part, queries, count)
        for group in range(groups):
            pulses = block.width_cycles[:, group].astype(np.float32)
            driven = pulses.sum(axis=-1, dtype=np.float64)
            total = scores[:, group]
            total[:] = array.uniform_constant / full * driven[:, None]
            orders = zip(factors, stored[:, group], written[:, :, group], strict=True)
            for factor, old, new in orders:
                charge = pulses @ old[:count].T
                charge[:, places] = np.where(own, pulses @ new.T, charge[:, places])
                total += np.multiply(charge, factor, out=part)
        return scores
