"""What a register map is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from gaincell.core.config import CoreConfig
from gaincell.hdl.host.axi import WORD_BITS

LARGEST_WORD = (1 << WORD_BITS) - 1


class Access(Enum):
    """What software may do with a field."""

    CONSTANT = "constant"
    """Read; it is a number of the core."""
    STATUS = "read"
    """Read; the hardware changes it."""
    STORED = "read, write"
    """Read and write; 0 after reset."""
    TRIGGER = "read, write 1 to set"
    """Writing 1 asks for something; reads 1 until it is done."""
    STICKY = "read, write 1 to clear"
    """The hardware sets it, and it stays set until 1 is written."""

    @property
    def written(self) -> bool:
        """Software may write it."""
        return self not in (Access.CONSTANT, Access.STATUS)


@dataclass(frozen=True, kw_only=True)
class Field:
    """Bits of a register.

    name : lower case
    low, width : place and number of its bits
    says : a sentence without its full stop
    value : of a constant, for a core
    """

    name: str
    low: int = 0
    width: int = WORD_BITS
    access: Access
    says: str
    value: Callable[[CoreConfig], int] | None = None

    @property
    def mask(self) -> int:
        """Its bits in the register."""
        return ((1 << self.width) - 1) << self.low

    def of(self, core: CoreConfig) -> int:
        """Its value after reset of the hardware for ``core``; a larger constant is cut off."""
        if self.value is None:
            return 0
        return min(self.value(core), (1 << self.width) - 1)


@dataclass(frozen=True, kw_only=True)
class Register:
    """A word of 32 bits; bits of no field read 0.

    name : lower case
    offset : in bytes
    says : a sentence without its full stop
    """

    name: str
    offset: int
    says: str
    fields: tuple[Field, ...]

    @property
    def written(self) -> bool:
        """Software may write some of it."""
        return any(field.access.written for field in self.fields)

    @property
    def whole(self) -> bool:
        """It has one field, of the same name."""
        return [field.name for field in self.fields] == [self.name]

    def port(self, field: Field) -> str:
        """Name of the wires of ``field``."""
        return self.name if self.whole else f"{self.name}_{field.name}"

    def of(self, core: CoreConfig) -> int:
        """Its value after reset of the hardware for ``core``."""
        return sum(field.of(core) << field.low for field in self.fields)
