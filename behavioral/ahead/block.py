"""Tokens that are written one after the other, and what their queries find of each column."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral.cells.cell_array import CellArray
from gaincell.behavioral.codes import Codes

Floats = NDArray[np.float64]
Pulses = tuple[NDArray[np.int16], NDArray[np.bool_]]
"""Cycles for which output pulses are seen high, and whether their charges are negative.

Signed, so that a code is either of them or its negative.
"""


@dataclass(frozen=True)
class Block:
    """B tokens of G queries each that are written one after the other, each to a slot of its own.

    Query n belongs to token n // G. It reads what the tokens up to its own have written.

    slots : (B,) the slot of each token
    k_code, v_code : (B, groups, D)
    width_cycles : (B * G, groups, D) query pulses
    """

    slots: NDArray[np.int64]
    k_code: Codes
    v_code: Codes
    width_cycles: NDArray[np.integer]

    def __len__(self) -> int:
        """B."""
        return len(self.slots)

    @cached_property
    def own(self) -> NDArray[np.bool_]:
        """(B * G, B) whether a query reads what a token of the block has written."""
        token = np.arange(len(self))
        return self._of_queries(token)[:, None] >= token

    @cached_property
    def places(self) -> slice | NDArray[np.int64]:
        """``slots`` as an index, quick if one follows the other."""
        first, last = int(self.slots[0]), int(self.slots[-1])
        follow = np.array_equal(self.slots, np.arange(first, first + len(self)))
        return slice(first, last + 1) if follow else self.slots

    def factors(self, array: CellArray, decay: float, columns: int) -> Floats:
        """What is left of each order of a cell at each query: (orders, B * G, columns)."""
        clock = array.clock + 1 + np.arange(len(self))
        ages = clock[:, None] - array.written[:columns]
        since = np.arange(len(self))[:, None] - np.arange(len(self))
        ages[:, self.slots] = np.where(since >= 0, since, ages[:, self.slots])
        return array.ageing.factors(decay, self._of_queries(ages))

    def ages_found(
        self, array: CellArray, query: NDArray[np.intp], column: NDArray[np.intp]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Age of a ``column`` when a ``query`` reads it, and the token of the block in it.

        All are (n,). The token is -1 where the column holds what it held before the block.
        """
        token = query // self.turns
        owner = np.full(array.slots, len(self))
        owner[self.slots] = np.arange(len(self))
        owner = owner[column]
        is_own = owner <= token
        before = array.clock + 1 + token - array.written[column]
        return np.where(is_own, token - owner, before), np.where(is_own, owner, -1)

    @property
    def turns(self) -> int:
        """G."""
        return len(self.width_cycles) // len(self)

    def _of_queries(self, each: NDArray[np.int64]) -> NDArray[np.int64]:
        return each if self.turns == 1 else each.repeat(self.turns, axis=0)


def first(memory: Floats, *shape: int) -> Floats:
    """The first numbers of ``memory`` in this shape."""
    return memory[: math.prod(shape)].reshape(shape)
