"""Charges of the tokens to come, read for a block of them at once.

A control never waits for an analog value. So what it will do with tokens is known, and what ideal
arrays answer follows. Here the answers are computed beforehand, but one is given only if all that
it follows from has happened on the wires: every write of the array since the block began, with its
slot and codes, and the pulses of the query. Otherwise the arrays read themselves.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral.ahead.block import Block, Floats, Pulses
from gaincell.behavioral.ahead.key_reads import KeyReads
from gaincell.behavioral.ahead.value_reads import ValueReads
from gaincell.behavioral.cells.cell_array import CellArray
from gaincell.behavioral.tokens import Tokens
from gaincell.behavioral.wires import pack_each
from gaincell.config import HeadConfig

LONGEST = 64
"""Tokens of a block."""
FEWEST = 4
"""A shorter block is not worth its products."""
Read = tuple[int, int]
"""A query: its token, and its turn among those of the token."""


_Answers = tuple[int, tuple[NDArray[Any], ...]]
"""First token of a block, and what is foreseen of its queries, in arrays (N, ...)."""


class _Side:
    """How far one array has come with the expected tokens."""

    def __init__(self, array: CellArray) -> None:
        self.array = array
        self.tokens = 0
        self.block: _Answers | None = None
        self.given_codes: NDArray[np.integer] | None = None
        """What ``codes`` gave last."""
        self._changes: int | None = None

    def begin(self, block: _Answers | None) -> None:
        self.block, self._changes = block, self.array.changes

    def count(self, as_expected: bool) -> None:
        """The next token's write is about to be done."""
        self.tokens += 1
        if self._changes is not None:
            self._changes = self._changes + 1 if as_expected else None

    def is_as_expected(self) -> bool:
        """The array was written with the expected tokens and with nothing else."""
        return self.block is not None and self._changes == self.array.changes


class Foresight:
    """Answers of ideal arrays to ``tokens``, which hold the tokens that come next.

    Parameters
    ----------
    tokens : of one head with the dimensions of all groups, as ``Tokens.in_lock_step`` gives them
    position : of the first token in its sequence
    converters : what they make of scores' and of outputs' charges of any shape: phi pulses,
        fractions of a phase, and what the control samples of output pulses
    decay : as for ``CellArray.read_columns``
    """

    def __init__(
        self,
        tokens: Tokens,
        position: int,
        arrays: tuple[CellArray, CellArray],
        converters: tuple[Callable[[Floats], Floats], Callable[[Floats], Pulses]],
        decay: float,
        config: HeadConfig,
    ) -> None:
        self._k, self._v = (_Side(array) for array in arrays)
        count, dims = len(tokens), config.head_dim
        self._turns = tokens.queries_per_token
        self._codes = {
            "K": tokens.k_code.reshape(count, -1, dims),
            "V": tokens.v_code.reshape(count, -1, dims),
        }
        query = tokens.q_code.reshape(count * self._turns, -1, dims)
        self._widths = query * config.step_cycles
        self._slots, self._ends, self.position = _places(tokens.first, position, config)
        longest = max((end - start for start, end in self._ends.items()), default=0)
        self._reads: tuple[KeyReads, ValueReads] | None = None
        self._packed: dict[str, list[int]] = {"K": [], "V": []}
        if longest >= FEWEST and all(array.is_ideal for array in arrays):
            k, v = arrays
            size = longest * self._turns, self._codes["K"].shape[1], decay
            self._reads = KeyReads(k, *size), ValueReads(v, *size, *converters)
            self._packed = {
                "K": pack_each(tokens.k_code, config.key_bits),
                "V": pack_each(tokens.v_code, config.value_bits),
            }
        self._scores: tuple[int, Floats] | None = None
        self._turn = 0

    def codes(self, array: CellArray, packed: int) -> NDArray[np.integer] | None:
        """Codes ([groups,] D) of the next token of ``array``, if ``packed`` holds them."""
        side = self._side(array)
        packed_codes = self._packed[array.name]
        if side.tokens >= len(packed_codes) or packed != packed_codes[side.tokens]:
            return None
        expected = self._codes[array.name][side.tokens]
        side.given_codes = expected if array.groups else expected[0]
        return side.given_codes

    def token_comes(self, array: CellArray, slot: int, codes: NDArray[np.integer]) -> None:
        """A token's write into ``slot`` of ``array`` is about to be done."""
        side = self._side(array)
        token = side.tokens
        if token >= len(self._slots):
            side.begin(None)
            return
        if token in self._ends:
            side.begin(self._read_ahead(side, token))
        if side is self._k:
            self._turn = 0
        expected = self._codes[array.name][token]
        same = codes is side.given_codes or np.array_equal(codes.reshape(expected.shape), expected)
        side.count(slot == self._slots[token] and same)

    def scores(self, width_cycles: NDArray[np.integer]) -> tuple[Floats, Read] | None:
        """Charge of each column of K for these pulses, if it was foreseen, and for which query.

        The last charge is that of all further columns.
        """
        read = self._k.tokens - 1, self._turn
        self._turn += 1
        if not self._k.is_as_expected() or read[1] >= self._turns:
            return None
        expected = self._widths[read[0] * self._turns + read[1]]
        if (width_cycles.reshape(expected.shape) != expected).any():
            return None
        (charge,) = self._of(self._k, read)
        return charge, read

    def outputs(self, read: Read) -> tuple[NDArray[Any], ...] | None:
        """What the phi pulses of a query's foreseen scores lead to, if foreseen.

        Charges of sub-tiles, and what the control samples of their output pulses, as in
        ``ValueReads``.
        """
        if not self._v.is_as_expected() or read[0] != self._v.tokens - 1:
            return None
        return self._of(self._v, read)

    def _side(self, array: CellArray) -> _Side:
        return self._k if array is self._k.array else self._v

    def _of(self, side: _Side, read: Read) -> tuple[NDArray[Any], ...]:
        assert side.block is not None
        first, answers = side.block
        place = (read[0] - first) * self._turns + read[1]
        return tuple(answer[place] for answer in answers)

    def _read_ahead(self, side: _Side, token: int) -> _Answers | None:
        end = self._ends[token]
        if self._reads is None or end - token < FEWEST or not side.array.is_ideal:
            return None
        block = Block(
            self._slots[token:end],
            self._codes["K"][token:end],
            self._codes["V"][token:end],
            self._widths[token * self._turns : end * self._turns],
        )
        if side is self._k:
            self._scores = token, self._reads[0].scores(block)
            return token, (self._scores[1],)
        if self._scores is None or self._scores[0] != token:
            return None
        charges = self._reads[1].outputs(block, self._scores[1])
        return token, (charges, *self._reads[1].converted(charges))


def _places(
    first: NDArray[np.bool_], position: int, config: HeadConfig
) -> tuple[NDArray[np.int64], dict[int, int], int]:
    """Slots of tokens, blocks as ends by first tokens, and the position after the last token."""
    slots = np.empty(len(first), dtype=np.int64)
    ends: dict[int, int] = {}
    start, held = 0, set[int]()
    for token, begins in enumerate(first.tolist()):
        position = 0 if begins else position
        slot = int(config.slot_of(position))
        if begins or slot in held or len(held) == LONGEST:
            start, held = token, set()
        slots[token] = slot
        held.add(slot)
        ends[start] = token + 1
        position += 1
    return slots, ends, position
