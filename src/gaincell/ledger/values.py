"""Our values and the paper's, by entry, and expressions over both."""

from __future__ import annotations

from collections.abc import Mapping

from gaincell.ledger.arithmetic import evaluate
from gaincell.ledger.entries import Book, Command, Entry
from gaincell.ledger.sources import Ours, known, look_up


def numbers_of(value: float | tuple[float, ...]) -> tuple[float, ...]:
    """One number or several as a tuple."""
    return value if isinstance(value, tuple) else (value,)


class Values:
    """Our values, the paper's, and expressions over both."""

    def __init__(self, book: Book) -> None:
        self._root, self._commands = book.root, book.commands
        self._entries = {entry.id: entry for entry in book.entries}
        self._under_way: list[str] = []

    def command(self, name: str) -> Command:
        return self._commands[name]

    def find(self, source: str, numbers: Mapping[str, float | str]) -> Ours:
        """The value of a source: of ``look_up``, or "formula:EXPRESSION", "paper:ID", "ours:ID".

        ``numbers`` are the names that a formula may use.
        """
        kind, _, what = source.partition(":")
        match kind:
            case "formula":
                return Ours(values=(float(evaluate(what, self.names(numbers))),))
            case "paper":
                entry = self._entries[known(what, self._entries, "entry")]
                return Ours(values=numbers_of(entry.paper))
            case "ours":
                ours = self.ours(self._entries[known(what, self._entries, "entry")])
                if ours is None:
                    raise ValueError(f'source "{source}": that entry is not rerun')
                return ours
        return look_up(source, self._root)

    def ours(self, entry: Entry) -> Ours | None:
        """Our value of an entry; None: not rerun."""
        if entry.ours is None or not isinstance(entry.ours, str):
            return None if entry.ours is None else Ours(values=numbers_of(entry.ours))
        if entry.id in self._under_way:
            raise ValueError(f"ours goes in a circle: {' -> '.join([*self._under_way, entry.id])}")
        self._under_way.append(entry.id)
        try:
            return self.find(entry.ours, entry.numbers or {})
        finally:
            self._under_way.pop()

    def names(self, numbers: Mapping[str, float | str]) -> dict[str, float]:
        """The value of each name."""
        values = {}
        for name, source in numbers.items():
            given = self.find(source, {}).values if isinstance(source, str) else (source,)
            if len(given) != 1:
                count = len(given)
                raise ValueError(f'"{name}" is {count} numbers, but must be one')
            values[name] = given[0]
        return values
