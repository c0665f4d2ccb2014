"""A column of cells with its converter, all of transistors: the pulse that a charge becomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gaincell.spice.deck import EDGE_S, DeckText
from gaincell.spice.design import Design
from gaincell.spice.measure.charges import SETTLE_S, write_lines
from gaincell.spice.measure.times import OUTPUT, SCORE, Gates, Times
from gaincell.spice.ngspice import NoResult, simulate
from gaincell.spice.raw_file import Waves
from gaincell.spice.waves import at, crossings, delivered_j, high_s, integral

CONTROLS = ("reset", "resetb", "hold", "holdb", "conv", "convb")
"""Wires that all converters of a stage share."""


@dataclass(frozen=True)
class Column:
    """What one column did.

    pulse_s : length of its pulse, s, negative where the sign wire is high
    cells_j : energy from the cells' supply while they are read
    reset_j, integrate_j, convert_j : energy from the converter's supply in each phase
    middle_c : charge that vmid delivers in the reset, C
    bias_j : of the references, in all
    control_j : of the wires of reset, hold and conv, and of their complements
    replica_j : of the converters without cells and of their buffers; 0 if ``gates`` were given
    """

    pulse_s: float
    cells_j: float
    reset_j: float
    integrate_j: float
    convert_j: float
    middle_c: float
    bias_j: float
    control_j: float
    replica_j: float
    gates: Gates
    waves: Waves
    times: Times


def column(
    design: Design,
    codes: Sequence[int],
    widths: Sequence[float],
    *,
    signed: bool = False,
    gates: Gates | None = None,
    injected_c: float = 0.0,
    rng: np.random.Generator | None = None,
) -> Column:
    """Write ``codes`` into one column, read it with pulses of ``widths`` clocks, and convert.

    Parameters
    ----------
    signed : the converter is the second, signed one
    gates : of an earlier column, which saves the simulation of the converters without cells
    injected_c : charge that an ideal source draws from the line besides, C
    rng : gives every cell thresholds of its own

    Raises
    ------
    NoResult
        The simulation failed, or pulses may not begin where no charge says so.
    """
    levels, times = design.levels, Times.of(design, signed=signed)
    deck = DeckText(design, rng=rng)
    write_lines(deck, times.cell)
    deck.source("cells", "vcells", levels.cell_v)
    for code in sorted(set(codes)):
        deck.source(f"wb{code}", f"wb{code}", levels.stored_v(code))
    for width in sorted(set(widths)):
        name, length_s = _line(width), width * levels.clock_s
        deck.pair(f"wl{name}", f"wlb{name}", levels.cell_v, times.cell.pulses(length_s))
    # cells lie along the line: their current meets half of its resistance
    line = "bl"
    if levels.bit_ohm:
        line = "blcells"
        deck.add(f"rbl bl {line} {levels.columns * levels.bit_ohm / 2:g}")
    for number, ((code, width), cells) in enumerate(_groups(codes, widths, alone=rng is not None)):
        lines = f"wl{_line(width)} wlb{_line(width)}"
        kind = deck.copy("cell", number)
        deck.add(f"xcell{number} {line} {lines} wb{code} wwl s{number} vcells 0 {kind} m={cells}")
        deck.add(f".ic v(s{number})={levels.middle_v:g}")
    if injected_c:
        inject(deck, "in", "bl", injected_c, times)
    replicas = _converter(deck, times, signed=signed, gates=gates)
    deck.save("i(vcells)", "i(vwwl)")
    what = f"the column of {len(codes)} cells"
    waves = simulate(deck.transient(what, times.stop_s))
    return _measured(design, waves, times, gates or _gates(waves, times, replicas, levels.logic_v))


def inject(deck: DeckText, name: str, line: str, charge_c: float, times: Times) -> None:
    """An ideal source that draws a charge from a line during the read.

    It falls to 0, as the current of cells does whose widths are spread evenly.
    """
    peak_a = 2 * charge_c / (times.convert_s - times.read_s - EDGE_S)
    points = [0, 0, times.read_s, 0, times.read_s + EDGE_S, peak_a, times.convert_s, 0]
    deck.add(f"i{name} {line} 0 pwl({' '.join(f'{point:.6g}' for point in points)})")


def _groups(
    codes: Sequence[int], widths: Sequence[float], *, alone: bool
) -> list[tuple[tuple[int, float], int]]:
    """Codes and widths of a column, and how many cells have them: equal cells are simulated once.

    Cells that vary stand ``alone``.
    """
    cells = list(zip(codes, widths, strict=True))
    return [(cell, 1) for cell in cells] if alone else list(Counter(cells).items())


def _line(width: float) -> str:
    """Part of a node's name for the word line of a width."""
    return f"{width:g}".replace(".", "p")


def _converter(deck: DeckText, times: Times, *, signed: bool, gates: Gates | None) -> list[str]:
    """The converter of line ``bl``, and unless ``gates`` are given those without cells.

    Returns the names of their gates: "gatep" and of the signed one "gaten".
    """
    levels = deck.design.levels
    volts = levels.logic_v
    for name in ("vconv", "vrep", "vref"):
        deck.source(name, name, volts)
    deck.source("mid", "vmid", levels.bit_line_v)
    deck.pair("reset", "resetb", volts, times.resets)
    for name, begin_s in (("hold", times.hold_s), ("conv", times.pulse_s)):
        deck.pair(name, f"{name}b", volts, [(begin_s, times.end_s)])
    deck.add("xref vbp vbn vref 0 references")
    wires = "reset resetb conv hold holdb"
    bias = "vbp vbn vmid" if signed else "vbp vmid"
    kind = OUTPUT if signed else SCORE
    steer, sign, both = ("sign", "sign", "gatep gaten") if signed else ("", "", "gatep")
    deck.add(f"xconv bl {wires} {steer} {both} pulse {sign} done {bias} vconv 0 {kind}")
    if not signed:
        deck.source("sign", "sign", 0)
    deck.source("wbidle", "wbidle", levels.middle_v)
    lines, names = ["bl"], []
    for end, fixed in (("p", "0"), ("n", "vrep"))[: 2 if signed else 1]:
        name = f"gate{end}"
        if gates is not None:
            opened_s = gates.lifted_s if end == "p" else gates.lowered_s
            begin_s = times.convert_s + opened_s - EDGE_S / 2
            deck.wire(name, 0, volts, [(begin_s, times.stop_s)])
            continue
        own = f"{fixed} vrep vrep rpulse{end} rsign{end}" if signed else f"vrep rpulse{end}"
        deck.add(
            f"xrep{end} rbl{end} {wires} {own} rdone{end} {bias} vrep 0 {kind}",
            f"xbuf{end} rdone{end} {name} vrep 0 buffer",
        )
        idle = f"0 vcells wbidle wwl rs{end} vcells 0 cell m={levels.columns}"
        deck.add(f"xidle{end} rbl{end} {idle}", f".ic v(rs{end})={levels.middle_v:g}")
        lines.append(f"rbl{end}")
        names.append(name)
    # A line starts where the conversion before left it: about at vmid.
    deck.add(f".ic {' '.join(f'v({each})={levels.bit_line_v:g}' for each in lines)}")
    deck.save("v(bl)", "v(pulse)", "v(sign)", "v(conv)", "i(vvconv)", "i(vvref)")
    deck.save("i(vvrep)", *(f"i(v{wire})" for wire in CONTROLS))
    deck.save("i(vmid)", "v(gatep)", *(["v(gaten)"] if signed else []))
    return names


def _gates(waves: Waves, times: Times, names: list[str], volts: float) -> Gates:
    """When each gate opens: it must be closed when pulses may begin, and open once."""
    opened_s = {}
    for name in names:
        edges = crossings(waves, f"v({name})", volts / 2)
        inside = edges[(edges > times.pulse_s) & (edges < times.end_s)]
        if len(inside) != 1 or at(waves, f"v({name})", times.pulse_s) > volts / 2:
            raise NoResult(
                f"the converter without cells changes its answer {len(inside)} times, not once: "
                "a larger c_step starts it further from its trip point"
            )
        opened_s[name] = float(inside[0] - times.convert_s)
    return Gates(opened_s["gatep"], opened_s.get("gaten", 0.0))


def _measured(design: Design, waves: Waves, times: Times, gates: Gates) -> Column:
    levels = design.levels
    volts, middle = levels.logic_v, levels.logic_v / 2

    def used(source: str, begin_s: float, end_s: float) -> float:
        return delivered_j(waves, f"i({source})", volts, begin_s, end_s)

    def charged(wire: str) -> float:
        rising = {"time": waves["time"], "i": np.maximum(-waves[f"i(v{wire})"], 0.0)}
        return integral(rising, "i", times.reset_s - EDGE_S, times.stop_s)

    begin_s, read_s, held_s = (
        each - EDGE_S for each in (times.reset_s, times.read_s, times.convert_s)
    )
    high = at(waves, "v(sign)", times.end_s - SETTLE_S) > middle
    length_s = high_s(waves, "v(pulse)", middle, times.convert_s, times.stop_s)
    return Column(
        pulse_s=-length_s if high else length_s,
        cells_j=delivered_j(waves, "i(vcells)", levels.cell_v, read_s, times.convert_s),
        reset_j=used("vvconv", begin_s, read_s),
        integrate_j=used("vvconv", read_s, held_s),
        convert_j=used("vvconv", held_s, times.stop_s),
        middle_c=delivered_j(waves, "i(vmid)", 1.0, begin_s, read_s),
        bias_j=used("vvref", begin_s, times.end_s),
        control_j=volts * sum(charged(wire) for wire in CONTROLS),
        replica_j=used("vvrep", begin_s, times.stop_s),
        gates=gates,
        waves=waves,
        times=times,
    )
