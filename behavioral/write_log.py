"""The event log of the arrays as it grows, and the token that each column holds."""

from gaincell.behavioral.events import Events, event_log


class WriteLog:
    """Events of both arrays, of ``slots`` columns each, in the order in which they are added.

    Each array numbers its tokens from 0 in the order of their writes. A column holds token -1
    before its first write and after a clear.
    """

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._events: list[tuple[int, str, str, int, int]] = []
        self._newest = {"K": -1, "V": -1}
        self._held = {"K": [-1] * slots, "V": [-1] * slots}

    @property
    def events(self) -> Events:
        """The log so far, sorted by cycle."""
        return event_log(self._events)

    def add_token(self, cycle: int, array: str, slot: int) -> None:
        """A new token was written; the write ended before ``cycle``."""
        self._newest[array] += 1
        self._held[array][slot] = self._newest[array]
        self._events.append((cycle, array, "write", slot, self._newest[array]))

    def add_rewrite(self, cycle: int, array: str, slot: int, blank: bool) -> bool:
        """One column was written without a new token; return false if there was none to refresh.

        Wires do not say whether a ``blank`` column, all codes 0, is meant to be empty from now on.
        In K it is a clear: an all-zero key that is refreshed is the same to every later read,
        since its score cannot be positive. A blank value matters while its key can score. So in V
        it is a clear only where K or V holds no token; K is always written first.
        """
        if blank and (array == "K" or min(self._held["K"][slot], self._held["V"][slot]) < 0):
            self._held[array][slot] = -1
            self._events.append((cycle, array, "clear", slot, -1))
            return True
        token = self._held[array][slot]
        self._events.append((cycle, array, "refresh", slot, token))
        return token >= 0

    def add_clear_of_all(self, cycle: int, array: str) -> None:
        """Every column was cleared by one broadcast."""
        self._held[array] = [-1] * self._slots
        self._events.append((cycle, array, "clear", -1, -1))

    def add_read(self, cycle: int, array: str) -> None:
        """A query of the newest token begins to read in ``cycle``."""
        self._events.append((cycle, array, "read", -1, self._newest[array]))
