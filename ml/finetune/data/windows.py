"""Windows of tokens in the order in which a run reads them."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from gaincell.ml.finetune.data.token_file import Tokens

HASHED = 1 << 20


class Windows(Dataset[dict[str, Tensor]]):
    """Samples ``first``..``first + count - 1`` of an endless stream of windows.

    The tokens are cut in windows without overlap; a rest at the end is dropped. Each pass
    over them is in an order of its own, which follows from ``seed`` and the pass's number: sample n
    is the same whoever asks, whenever.

    Raises
    ------
    ValueError
        The tokens make no window.
    """

    def __init__(self, tokens: Tokens, window: int, seed: int, first: int, count: int) -> None:
        self.tokens, self.window, self.seed = tokens, window, seed
        self.first, self.count = first, count
        self.windows = len(tokens) // window
        if not self.windows:
            raise ValueError(
                f"the data has {len(tokens)} tokens, but a window needs {window}: give more text, "
                "or a shorter window"
            )
        self._order = lru_cache(maxsize=2)(self._draw_order)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        epoch, place = divmod(self.first + index, self.windows)
        begin = int(self._order(epoch)[place]) * self.window
        ids = np.asarray(self.tokens[begin : begin + self.window], dtype=np.int64)
        return {"input_ids": torch.from_numpy(ids)}

    def _draw_order(self, epoch: int) -> NDArray[np.int64]:
        return np.random.default_rng([self.seed, epoch]).permutation(self.windows)


def first_windows(tokens: Tokens, window: int, count: int | None, what: str) -> Tensor:
    """The first ``count`` windows, or all: (W, window).

    Raises
    ------
    ValueError
        There are not so many; ``what`` asks for them, for the message.
    """
    there = len(tokens) // window
    count = there if count is None else count
    if not 0 < count <= there:
        raise ValueError(
            f"{what} asks for {max(count, 1)} windows of {window} tokens, but {len(tokens)} tokens "
            f"make {there}"
        )
    return torch.from_numpy(np.asarray(tokens[: count * window], dtype=np.int64)).view(
        count, window
    )


def fingerprint(tokens: Tokens) -> str:
    """Number of tokens, and a hash of those at both ends: tells changed data at once."""
    ends = np.concatenate([tokens[:HASHED], tokens[-HASHED:]]).astype("<i8")
    return f"{len(tokens)} tokens, {hashlib.blake2b(ends.tobytes(), digest_size=8).hexdigest()}"
