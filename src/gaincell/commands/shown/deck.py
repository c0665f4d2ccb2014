"""What commands print of the official rule deck of a process."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gaincell.layout.deck import DeckResult


def deck_text(deck: "DeckResult | None") -> str:
    """One line: how many violations it found, or why it was not run."""
    if deck is None:
        return "not run: PDK_ROOT has none, or the program klayout is missing"
    return f"{deck.violations} violations of {deck.kinds} kinds"
