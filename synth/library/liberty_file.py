"""Read a Liberty file into a ``Library``; a large one is kept parsed for the next run."""

import gzip
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from liberty.parser import parse_liberty
from numpy.typing import NDArray

from gaincell.synth.library.cells import Cell, Energy, Library, Pin, Table
from gaincell.synth.library.library_cache import keep_parsed, parsed_before

UNIT = re.compile(r"([\d.]+)\s*([munpf]?)([a-zA-Z]+)")
PREFIX = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}
NODE_NM = {"nangate": 45, "generic": 45, "sky130": 130, "sg13g2": 130, "gf180": 180, "osu018": 180}
"""Technology node by a part of the library's name: Liberty has no field for it."""
NEVER_USED = ("probe", "lpflow", "antenna", "tiehi", "tielo", "__decap", "__fill", "__tap")
"""Parts of names of cells that are no logic, or need supplies of their own."""
LARGE = 1_000_000
"""Characters from which on a file is worth a message and a place in the cache."""


class NotALibrary(ValueError):
    """A file is no Liberty file, or lacks what synthesis needs."""


def load_library(path: Path, say: Callable[[str], None] = lambda line: None) -> Library:
    """Read ``path``, plain or compressed with gzip; ``say`` is told when that takes long.

    Raises
    ------
    NotALibrary
        It cannot be read, is no Liberty file, or has no flop that synthesis can use.
    """
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("latin-1")
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or "the compressed data are damaged"
        raise NotALibrary(f"--liberty {path} cannot be read: {reason}") from error
    if not re.search(r"^\s*library\s*\(", text, re.MULTILINE):
        raise NotALibrary(f"--liberty {path} is no Liberty file: it has no library (...) group")
    if len(text) < LARGE:
        library = _parse(path, text)
    elif (kept := parsed_before(text, path.name)) is not None:
        library = kept
    else:
        say(f"reading {path.name}, {len(text) / 1e6:.0f} MB ...")
        begin = time.monotonic()
        library = _parse(path, text)
        kept_too = "; kept for the next run" if keep_parsed(library, path.name) else ""
        say(f"  {time.monotonic() - begin:.0f} s{kept_too}")
    if not any(cell.plain_flop for cell in library.cells.values()):
        raise NotALibrary(
            f"--liberty {path} has no rising-edge flop whose next state is an input, "
            "but every register is mapped to one"
        )
    return library


def _parse(path: Path, text: str) -> Library:
    """The library of a file's ``text``, or NotALibrary."""
    try:
        return _library(parse_liberty(text), path, text)
    except Exception as error:  # the parser raises whatever its grammar raises
        detail = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise NotALibrary(
            f"--liberty {path} is no Liberty file that can be read: {detail}"
        ) from error


def _library(parsed: Any, path: Path, text: str) -> Library:
    units = _units(parsed)
    conditions = [
        group
        for group in parsed.get_groups("operating_conditions")
        if _plain(parsed.get("default_operating_conditions")) in ("None", _plain(group.args[0]))
    ] or parsed.get_groups("operating_conditions")
    name = _plain(parsed.args[0]) if parsed.args else path.stem
    if conditions:
        corner = _plain(conditions[0].args[0])
        voltage, temperature = (
            _number(conditions[0].get(key)) for key in ("voltage", "temperature")
        )
    else:
        corner = "nominal"
        voltage, temperature = (
            _number(parsed.get(f"nom_{key}")) for key in ("voltage", "temperature")
        )
    templates = {
        _plain(group.args[0]): group
        for kind in ("power_lut_template", "lu_table_template")
        for group in parsed.get_groups(kind)
    }
    cells, unusable = {}, []
    for group in parsed.get_groups("cell"):
        cell = _cell(group, units, templates, _number(parsed.get("default_cell_leakage_power")))
        if _unusable(group, cell):
            unusable.append(cell.name)
        else:
            cells[cell.name] = cell
    transitions = [
        table.transition_s
        for cell in cells.values()
        for pin in cell.pins.values()
        for energy in pin.energies
        for table in energy.tables
        if len(table.transition_s) > 2
    ]
    typical = float(transitions[0][len(transitions[0]) // 3]) if transitions else 0.0
    names = f"{name} {path.name}".lower()
    node = next((nm for part, nm in NODE_NM.items() if part in names), None)
    return Library(name, corner, voltage, temperature, node, cells, typical, text, tuple(unusable))


def _units(parsed: Any) -> dict[str, float]:
    def unit(name: str, default: float) -> float:
        match = UNIT.match(_plain(parsed.get(name)))
        return float(match[1]) * PREFIX[match[2]] if match else default

    load = parsed.get("capacitive_load_unit") or [1, "pf"]
    time, voltage = unit("time_unit", 1e-9), unit("voltage_unit", 1.0)
    capacitance = _number(load[0]) * PREFIX[_plain(load[1]).lower()[0]]
    return {
        "time": time,
        "capacitance": capacitance,
        "leakage": unit("leakage_power_unit", 1e-9),
        "energy": capacitance * voltage**2,  # Liberty's unit of internal_power
    }


def _cell(group: Any, units: dict[str, float], templates: dict[str, Any], leakage: float) -> Cell:
    flops, latches = group.get_groups("ff"), group.get_groups("latch")
    states = [_plain(name) for name in (flops[0].args if flops else [])]
    pins = {
        pin.name: pin for pin in (_pin(each, units, templates) for each in group.get_groups("pin"))
    }
    conditional = tuple(
        (_plain(each.get("when"), ""), _number(each.get("value")) * units["leakage"])
        for each in group.get_groups("leakage_power")
    )
    next_state = _plain(flops[0].get("next_state"), "") if flops else ""
    clocked_on = _plain(flops[0].get("clocked_on"), "") if flops else ""
    roles = {}
    for each in group.get_groups("pin"):
        for role in (
            "clock_gate_enable_pin",
            "clock_gate_clock_pin",
            "clock_gate_out_pin",
            "clock_gate_test_pin",
        ):
            if _plain(each.get(role), "").lower() == "true":
                roles[role] = _plain(each.args[0])
    outputs = {pin.function.replace("(", "").replace(")", "") for pin in pins.values()}
    return Cell(
        name=_plain(group.args[0]),
        area_um2=_number(group.get("area")),
        leakage_w=_number(group.get("cell_leakage_power"), leakage) * units["leakage"],
        leakage_when=conditional,
        pins=pins,
        next_state=next_state,
        clocked_on=clocked_on,
        clear=_plain(flops[0].get("clear"), "") if flops else "",
        preset=_plain(flops[0].get("preset"), "") if flops else "",
        states=tuple(states),
        plain_flop=bool(flops)
        and next_state.strip("() ") in pins
        and clocked_on.strip("() ") in pins
        and states[0] in outputs,
        latch=bool(latches),
        gate=_plain(group.get("clock_gating_integrated_cell"), ""),
        roles=roles,
    )


def _pin(group: Any, units: dict[str, float], templates: dict[str, Any]) -> Pin:
    energies = []
    for power in group.get_groups("internal_power"):
        tables = tuple(
            _table(each, units, templates)
            for kind in ("rise_power", "fall_power")
            for each in power.get_groups(kind)
        )
        if tables:
            energies.append(
                Energy(_plain(power.get("when"), ""), _plain(power.get("related_pin"), ""), tables)
            )
    return Pin(
        name=_plain(group.args[0]),
        direction=_plain(group.get("direction"), ""),
        capacitance_f=_number(group.get("capacitance")) * units["capacitance"],
        function=_plain(group.get("function"), "") or _plain(group.get("state_function"), ""),
        energies=tuple(energies),
        clock=_plain(group.get("clock"), "").lower() == "true",
    )


def _table(group: Any, units: dict[str, float], templates: dict[str, Any]) -> Table:
    template = templates.get(_plain(group.args[0])) if group.args else None
    values = np.atleast_2d(_floats(group, "values")) * units["energy"]
    axes = {"transition": np.zeros(1), "load": np.zeros(1)}
    order = []
    for place in (1, 2):
        name = "" if template is None else _plain(template.get(f"variable_{place}"), "")
        if template is None or not name:
            continue
        source = group if group.get(f"index_{place}") is not None else template
        axis = _floats(source, f"index_{place}").ravel()
        kind = "load" if "capacitance" in name else "transition"
        axes[kind] = axis * units["capacitance" if kind == "load" else "time"]
        order.append(kind)
    if order == ["load", "transition"] or order == ["transition"]:
        values = values.T
    return Table(axes["transition"], axes["load"], values)


def _floats(group: Any, name: str) -> NDArray[np.float64]:
    return np.array(group.get_array(name), dtype=np.float64)


def _unusable(group: Any, cell: Cell) -> bool:
    forbidden = _plain(group.get("dont_use"), "").lower() == "true" and not cell.gate
    return forbidden or any(part in cell.name.lower() for part in NEVER_USED)


def _plain(value: Any, default: str = "None") -> str:
    if value is None:
        return default
    return str(getattr(value, "value", value)).strip('"')


def _number(value: Any, default: float = 0.0) -> float:
    return default if value is None else float(getattr(value, "value", value))
