"""Integrators: the charges that one bank of converters has gathered since its latest reset."""

from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Known = TypeVar("Known")


class Integrators(Generic[Known]):
    """Integrators of any shape; ``charge`` is what they hold at power-up.

    A whole reset takes no time: the next charge takes the place of the last.
    """

    def __init__(self, charge: Floats) -> None:
        self._charge = charge
        self._is_empty = False
        self.known: Known | None = None
        """What was said of the one charge that they hold."""

    @property
    def charge(self) -> Floats:
        """What they hold now, until they change."""
        if self._is_empty:
            self._charge[:] = 0.0
            self._is_empty = False
        return self._charge

    def reset(self, left: float) -> None:
        """Keep the fraction ``left`` of the charge."""
        self.known = None
        if not left:
            self._is_empty = True
        elif not self._is_empty:
            self._charge *= left

    def add(self, charge: Floats, known: Known | None = None) -> None:
        """Add ``charge``; columns that it lacks at its end get the charge of its last one.

        ``known`` is kept if they held nothing.
        """
        count = charge.shape[-1]
        if self._is_empty:
            self.known = known
            self._charge[..., :count] = charge
            self._charge[..., count:] = charge[..., -1:]
        else:
            self.known = None
            self._charge[..., :count] += charge
            self._charge[..., count:] += charge[..., -1:]
        self._is_empty = False
