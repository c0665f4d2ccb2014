"""The event log of the arrays as it grows, and the token of each column."""

from gaincell.behavioral.events import Events, event_log


class WriteLog:
    """Events of both arrays, of ``slots`` columns each, in the order in which they are added.

    Each array numbers its tokens from 0 in the order of their writes. A column's token is -1 before
    its first write and after a clear of all. A clear of its own leaves it its token.
    """

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._events: list[tuple[int, str, str, int, int]] = []
        self._newest = {"K": -1, "V": -1}
        self._tokens = {"K": [-1] * slots, "V": [-1] * slots}
        self._keys = [-1] * slots
        """Token whose key each column of K holds; -1 where it is clear."""

    @property
    def events(self) -> Events:
        """The log so far, sorted by cycle."""
        return event_log(self._events)

    def add_token(self, cycle: int, array: str, slot: int) -> None:
        """A new token was written; the write ended before ``cycle``."""
        self._newest[array] += 1
        self._hold(array, slot, self._newest[array])
        self._events.append((cycle, array, "write", slot, self._newest[array]))

    def add_rewrite(self, cycle: int, array: str, slot: int, blank: bool) -> bool:
        """One column was written without a new token; return false if there was none to refresh.

        A column that was cleared may get its token's codes again.

        Wires do not say whether a ``blank`` column, all codes 0, is meant to be empty from now on.
        In K it is a clear: an all-zero key that is refreshed is the same to every later read,
        since its score cannot be positive. A blank value matters while its key can score. So in V
        it is a clear unless K holds the same token; K is always written first.
        """
        token = self._tokens[array][slot]
        if blank and (array == "K" or token < 0 or self._keys[slot] != token):
            if array == "K":
                self._keys[slot] = -1
            self._events.append((cycle, array, "clear", slot, -1))
            return True
        self._hold(array, slot, token)
        self._events.append((cycle, array, "refresh", slot, token))
        return token >= 0

    def add_clear_of_all(self, cycle: int, array: str) -> None:
        """Every column was cleared by one broadcast."""
        for slot in range(self._slots):
            self._hold(array, slot, -1)
        self._events.append((cycle, array, "clear", -1, -1))

    def add_read(self, cycle: int, array: str) -> None:
        """A query of the newest token begins to read in ``cycle``."""
        self._events.append((cycle, array, "read", -1, self._newest[array]))

    def _hold(self, array: str, slot: int, token: int) -> None:
        self._tokens[array][slot] = token
        if array == "K":
            self._keys[slot] = token
