"""The register map as a page of the manual: ``python -m gaincell.hdl.host.page -o PAGE``."""

import argparse
import sys
from pathlib import Path

from gaincell.files import replacing
from gaincell.hdl.host.fields import Access, Field, Register
from gaincell.hdl.host.register_map import MAJOR, MINOR, REGISTERS
from gaincell.text import markdown

OPENING = f"""# Registers of the host port

The registers of a core with a [host port](host.md), map {MAJOR}.{MINOR}: words of 32 bits on
AXI4-Lite, at offsets in bytes. This page is made from the table that the hardware is made from:

```
python -m gaincell.hdl.host.page -o docs/do/registers.md
```

All words are 0 after reset but the constants. Bits of no field read 0. An offset without a register
is answered with DECERR, a write to a register that can only be read with SLVERR. A byte without its
WSTRB keeps its value."""

HEADS = ("offset", "register", "bits", "access", "meaning")


def page() -> str:
    """The whole page."""
    rows = [row for register in REGISTERS for row in _rows(register)]
    return f"{OPENING}\n\n{markdown(HEADS, rows)}\n"


def _rows(register: Register) -> list[tuple[str, ...]]:
    offset, name = f"0x{register.offset:03X}", f"`{register.name}`"
    if register.whole:
        field = register.fields[0]
        return [(offset, name, _bits(field), _access(field), register.says)]
    parts = [
        ("", f"`{register.name}.{field.name}`", _bits(field), _access(field), field.says)
        for field in register.fields
    ]
    return [(offset, name, "", "", register.says), *parts]


def _bits(field: Field) -> str:
    high = field.low + field.width - 1
    return str(field.low) if field.width == 1 else f"{high}:{field.low}"


def _access(field: Field) -> str:
    return "constant" if field.access is Access.CONSTANT else field.access.value


def main() -> int:
    parser = argparse.ArgumentParser(prog="gaincell.hdl.host.page", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True, help="page to write")
    options = parser.parse_args()
    with replacing(options.output) as unfinished:
        unfinished.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
