"""What a placement leaves: DEF for routers, GDS with the cells' own shapes."""

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gaincell.layout.digital.placement.core import Core, Places
from gaincell.layout.digital.technology import PROCESS, Technology
from gaincell.layout.process import load_process
from gaincell.synth.netlist import Netlist

DBU_PER_UM = 1000
LABEL = 5
"""Datatype of a metal's labels."""
FILLERS = (8, 4, 2, 1)
"""Sites of the filler cells."""

Box = tuple[int, int, int, int]
Point = tuple[int, int]


def fillers(
    instances: Mapping[str, str], places: Places, technology: Technology, core: Core
) -> dict[str, tuple[str, tuple[float, float]]]:
    """Filler cells for all gaps: cell and place by name. ``instances`` maps names to cells."""
    rows: dict[int, list[tuple[int, int]]] = {row: [] for row in range(core.rows)}
    for name, cell in instances.items():
        x, y = places[name]
        start = round(x / core.site_um)
        sites = round(technology.cell(cell).width_um / core.site_um)
        rows[round(y / core.row_um)].append((start, start + sites))
    found: dict[str, tuple[str, tuple[float, float]]] = {}
    for row, taken in rows.items():
        at = 0
        for start, end in [*sorted(taken), (core.sites, core.sites)]:
            for size in FILLERS:
                while start - at >= size:
                    place = (at * core.site_um, row * core.row_um)
                    found[f"filler_{len(found)}"] = (f"{technology.name}__fill_{size}", place)
                    at += size
            at = end
    return found


@dataclass(frozen=True)
class DefMetal:
    """Text of DEF for metal: ``head`` for tracks and vias, ``supplies`` for special nets.

    ports : metal, boxes and place of each port's bit
    nets : what stands behind the pins of each net
    """

    head: tuple[str, ...] = ()
    supplies: tuple[str, ...] = ()
    ports: Mapping[str, str] = field(default_factory=dict)
    nets: Mapping[str, str] = field(default_factory=dict)


def write_def(
    netlist: Netlist,
    places: Places,
    ports: Places,
    technology: Technology,
    core: Core,
    file: Path,
    metal: DefMetal,
) -> None:
    """Components with their places, ports, nets and ``metal`` as DEF 5.8."""
    width, height = (_dbu(side) for side in (core.width_um, core.height_um))
    lines = ["VERSION 5.8 ;", 'DIVIDERCHAR "/" ;', 'BUSBITCHARS "[]" ;', f"DESIGN {netlist.name} ;"]
    lines += [f"UNITS DISTANCE MICRONS {DBU_PER_UM} ;", f"DIEAREA ( 0 0 ) ( {width} {height} ) ;"]
    for row in range(core.rows):
        way = "FS" if row % 2 else "N"
        lines.append(
            f"ROW row_{row} unithd 0 {_dbu(row * core.row_um)} {way} "
            f"DO {core.sites} BY 1 STEP {_dbu(core.site_um)} 0 ;"
        )
    lines += metal.head
    lines.append(f"COMPONENTS {len(netlist.instances)} ;")
    pins: dict[str, list[str]] = {}
    for instance in netlist.instances:
        x, y = places[instance.name]
        way = "FS" if technology.flipped(y) else "N"
        spot = f"( {_dbu(x)} {_dbu(y)} )"
        lines.append(f"- {instance.name} {instance.cell} + PLACED {spot} {way} ;")
        for pin, net in instance.pins.items():
            pins.setdefault(net, []).append(f"( {instance.name} {pin} )")
    lines += ["END COMPONENTS", f"PINS {len(ports)} ;"]
    for port in netlist.ports:
        for net in port.nets:
            if net in ports:
                x, y = ports[net]
                use = "CLOCK" if net == "clk" else "SIGNAL"
                box = f"met2 ( -70 -70 ) ( 70 70 ) + PLACED ( {_dbu(x)} {_dbu(y)} ) N"
                lines.append(
                    f"- {net} + NET {net} + DIRECTION {port.direction.upper()} + USE {use} "
                    f"+ LAYER {metal.ports.get(net, box)} ;"
                )
                pins.setdefault(net, []).append(f"( PIN {net} )")
    lines += ["END PINS", *metal.supplies, f"NETS {len(pins)} ;"]
    lines += [f"- {net} {' '.join(each)}{metal.nets.get(net, '')} ;" for net, each in pins.items()]
    file.write_text("\n".join([*lines, "END NETS", "END DESIGN", ""]))


def write_gds(
    top: str,
    placed: Mapping[str, tuple[str, tuple[float, float]]],
    technology: Technology,
    file: Path,
    shapes: Iterable[tuple[str, Box]] = (),
    labels: Iterable[tuple[str, str, Point]] = (),
) -> None:
    """``placed`` cells as GDS: the structures of the PDK as they are, and one that places them.

    shapes : layer and edges, nm, of boxes beside the cells
    labels : metal, text and place, nm
    """
    process = load_process(PROCESS)
    structures: dict[bytes, bytes] = {}
    cells = sorted({cell for cell, _ in placed.values()})
    for cell in cells:
        for name, text in _structures(technology.file(cell, "gds").read_bytes()):
            structures.setdefault(name, text)
    now = struct.pack(">12H", *(2000, 1, 1, 0, 0, 0) * 2)
    out = [_record(0x0002, struct.pack(">H", 600)), _record(0x0102, now)]
    out += [_record(0x0206, _text(top)), _record(0x0305, _real(1e-3) + _real(1e-9))]
    out += structures.values()
    out += [_record(0x0502, now), _record(0x0606, _text(top))]
    for cell, (x, y) in placed.values():
        out += [_record(0x0A00, b""), _record(0x1206, _text(cell))]
        if technology.flipped(y):
            out.append(_record(0x1A01, struct.pack(">H", 0x8000)))
            y += technology.row_um
        out += [_record(0x1003, struct.pack(">2i", _dbu(x), _dbu(y))), _record(0x1100, b"")]
    for layer, (left, low, right, high) in shapes:
        out += [_record(0x0800, b""), *_layer(*process.gds(layer))]
        corners = (left, low, left, high, right, high, right, low, left, low)
        out += [_record(0x1003, struct.pack(">10i", *corners)), _record(0x1100, b"")]
    for metal, label, place in labels:
        out += [_record(0x0C00, b""), _record(0x0D02, struct.pack(">h", process.gds(metal)[0]))]
        out += [
            _record(0x1602, struct.pack(">h", LABEL)),
            _record(0x1003, struct.pack(">2i", *place)),
        ]
        out += [_record(0x1906, _text(label)), _record(0x1100, b"")]
    out += [_record(0x0700, b""), _record(0x0400, b"")]
    file.write_bytes(b"".join(out))


def _layer(layer: int, datatype: int) -> tuple[bytes, bytes]:
    return _record(0x0D02, struct.pack(">h", layer)), _record(0x0E02, struct.pack(">h", datatype))


def _structures(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and bytes of each structure of a GDS file."""
    at, begin, name = 0, 0, b""
    while at + 4 <= len(data):
        size, kind = struct.unpack(">HH", data[at : at + 4])
        if size < 4:
            break
        if kind == 0x0502:
            begin = at
        elif kind == 0x0606:
            name = data[at + 4 : at + size].rstrip(b"\0")
        elif kind == 0x0700:
            yield name, data[begin : at + size]
        at += size


def _record(kind: int, data: bytes) -> bytes:
    return struct.pack(">HH", len(data) + 4, kind) + data


def _text(text: str) -> bytes:
    raw = text.encode("ascii")
    return raw + b"\0" * (len(raw) % 2)


def _real(value: float) -> bytes:
    """A positive number in GDS' own format: a power of 16 and a fraction of 56 bits."""
    power = 64
    while value >= 1:
        value, power = value / 16, power + 1
    while value < 1 / 16:
        value, power = value * 16, power - 1
    return struct.pack(">Q", power << 56 | round(value * (1 << 56)))


def _dbu(um: float) -> int:
    return round(um * DBU_PER_UM)
