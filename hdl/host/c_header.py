"""The register map as a C header: the same for every core."""

from gaincell.hdl.host.fields import Access, Field, Register
from gaincell.hdl.host.register_map import IDENTITY, MAJOR, MINOR, REGISTERS

PREFIX = "GAINCELL"
STRUCT = "gaincell_registers"


def c_header() -> str:
    """C11, and C++11: offsets, masks, and a structure of the registers.

    Sizes of a core are read from its registers; nothing here depends on them.
    """
    lines: list[str] = []
    for register in REGISTERS:
        lines += ["", *_defines(register)]
    return f"""\
/* Registers of a gaincell core on AXI4-Lite, map {MAJOR}.{MINOR}; made from the hardware's table.
 *
 * volatile struct {STRUCT} *core = (volatile struct {STRUCT} *)BASE;
 * if (core->identity != {PREFIX}_IDENTITY_VALUE) return -1;
 * core->control = {PREFIX}_CONTROL_ENABLE;
 *
 * NAME is the offset of a register in bytes. NAME_FIELD is the mask of a field, NAME_FIELD_SHIFT
 * the place of its lowest bit if it has several.
 */
#ifndef {PREFIX}_REGISTERS_H
#define {PREFIX}_REGISTERS_H

#include <stddef.h>
#include <stdint.h>

#define {PREFIX}_IDENTITY_VALUE 0x{IDENTITY:08X}u
#define {PREFIX}_MAP_MAJOR {MAJOR}u
#define {PREFIX}_MAP_MINOR {MINOR}u
{chr(10).join(lines)}

{_structure()}

#endif
"""


def _defines(register: Register) -> list[str]:
    name = f"{PREFIX}_{register.name.upper()}"
    lines = [f"/* {_plain(register.says)} */", f"#define {name} 0x{register.offset:03X}u"]
    if not register.whole:
        for field in register.fields:
            lines += _field(f"{name}_{field.name.upper()}", field)
    return lines


def _field(name: str, field: Field) -> list[str]:
    how = "" if field.access is Access.CONSTANT else f"; {field.access.value}"
    lines = [f"#define {name} 0x{field.mask:08X}u /* {_plain(field.says)}{how} */"]
    if field.width > 1:
        lines.append(f"#define {name}_SHIFT {field.low}")
    return lines


def _structure() -> str:
    """A member for each word from the first register to the last."""
    lines, at, holes = [f"struct {STRUCT} {{"], 0, 0
    for register in REGISTERS:
        if register.offset != at:
            lines.append(f"    uint32_t hole_{holes}[{(register.offset - at) // 4}];")
            holes += 1
        lines.append(f"    uint32_t {register.name};")
        at = register.offset + 4
    lines.append("};")
    check = f"offsetof(struct {STRUCT}, {REGISTERS[-1].name}) == 0x{REGISTERS[-1].offset:03X}u"
    return "\n".join(
        [
            *lines,
            "",
            "#ifdef __cplusplus",
            f'static_assert({check}, "registers are words of 32 bits");',
            "#else",
            f'_Static_assert({check}, "registers are words of 32 bits");',
            "#endif",
        ]
    )


def _plain(text: str) -> str:
    return text.replace("`", "")
