"""The register map of a core as SystemRDL 2.0."""

from gaincell.core.bus import bus_core
from gaincell.core.config import CoreConfig
from gaincell.hdl.host.fields import Access, Field, Register
from gaincell.hdl.host.register_map import MAJOR, MINOR, REGISTERS

HOW = {
    Access.CONSTANT: ("sw = r", "hw = na"),
    Access.STATUS: ("sw = r", "hw = w"),
    Access.STORED: ("sw = rw", "hw = r"),
    Access.TRIGGER: ("sw = rw", "onwrite = woset", "hw = rw", "hwclr"),
    Access.STICKY: ("sw = rw", "onwrite = woclr", "hw = rw", "hwset"),
}
"""Properties of a field by what software may do with it."""


def system_rdl(core: CoreConfig, name: str) -> str:
    """An ``addrmap`` of this name; constants of ``core`` are the values after reset."""
    core = bus_core(core)
    registers = "\n".join(_register(register, core) for register in REGISTERS)
    return f"""\
// Registers of a gaincell core on AXI4-Lite, map {MAJOR}.{MINOR}.
addrmap {name} {{
    name = "{name}";
    desc = "{core.heads} attention heads in lock step; a hole answers DECERR, a write to what can \
only be read SLVERR.";
    default regwidth = 32;
    default accesswidth = 32;
{registers}
}};
"""


def _register(register: Register, core: CoreConfig) -> str:
    fields = "\n".join(_field(field, core) for field in register.fields)
    return f"""
    reg {{
        desc = {_text(register.says)};
{fields}
    }} {register.name} @ 0x{register.offset:03X};"""


def _field(field: Field, core: CoreConfig) -> str:
    how = " ".join(f"{each};" for each in HOW[field.access])
    high = field.low + field.width - 1
    known = field.access is not Access.STATUS
    reset = f" = 0x{field.of(core):X}" if known else ""
    says = f"desc = {_text(field.says)};"
    return f"        field {{ {how} {says} }} {field.name}[{high}:{field.low}]{reset};"


def _text(says: str) -> str:
    plain = says.replace("`", "").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain}."'
