"""One table of a design before and after layout."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gaincell.layout.parasitics.put_back import Drawn
from gaincell.spice.design import Design
from gaincell.text import markdown

FF, MV, PS, PJ, PERCENT = 1e15, 1e3, 1e12, 1e12, 1e2
Record = Mapping[str, Any]
LACKING = "no result"
NONE = "none"


def before_and_after(design: Design, drawn: Drawn, before: Record, after: Record) -> str:
    """A table in Markdown: wires as the netlist estimates them and as drawn, and what they do.

    Parameters
    ----------
    before, after : records of ``gaincell.spice.characterise.characterise``
    """
    rows = [*_wires(design, drawn), *_figures(design, drawn, before, after)]
    lines = [markdown(("figure", "before layout", "after layout"), rows)]
    for when, record in (("before", before), ("after", after)):
        lines += [f"*No result {when} layout:* {sentence}." for sentence in record["reports"]]
    made = after["made"]
    lines.append(
        f"Design {design.name}, sha256 {design.sha256[:12]}, seed {made['seed']}, "
        f"{made['ngspice']}; models {after['design']['models']}."
    )
    return "\n\n".join(lines) + "\n"


def _wires(design: Design, drawn: Drawn) -> list[tuple[str, str, str]]:
    levels, keys, values = design.levels, drawn.keys, drawn.values
    given = {"bl": 0.0, "wl": levels.line_f, "wlb": levels.line_f, "wbl": levels.row_f}
    given["wwl"] = levels.write_line_f
    names = {
        "bl": "bit line",
        "wl": "word line",
        "wlb": "inverted word line",
        "wbl": "write bit line",
        "wwl": "write word line",
    }
    ohm = {"wbl": levels.row_ohm, "wl": levels.line_ohm, "wlb": levels.line_ohm}
    rows = []
    for line, name in names.items():
        found = " / ".join(f"{each.total_f[line] * FF:.2f}" for each in (keys, values))
        own = given[line]
        rows.append((f"{name} per cell, fF: keys / values", _or_none(own * FF), found))
    for line in ("bl", "wl", "wbl"):
        found = " / ".join(f"{each.ohm[line]:.2f}" for each in (keys, values))
        rows.append(
            (f"{names[line]} per cell, Ohm: keys / values", _or_none(ohm.get(line, 0.0)), found)
        )
    stored = _cell_capacitor(design)
    rows.append(("storage node, wire, fF", _or_none(stored * FF), f"{keys.total_f['s'] * FF:.2f}"))
    for one, other in (("wlb", "wbl"), ("s", "wl"), ("s", "wwl"), ("bl", "wbl")):
        farads = keys.inside_f.get((min(one, other), max(one, other)), 0.0)
        rows.append(
            (f"coupling of {one} and {other} in a cell of keys, fF", NONE, _fixed(farads * FF))
        )
    for part, nets in drawn.parts.items():
        rows.append((f"wires of all nets of {part}, fF", NONE, f"{sum(nets.values()) * FF:.0f}"))
    return rows


def _cell_capacitor(design: Design) -> float:
    """Sum of the capacitors of a cell's netlist, which stand for its wires."""
    from gaincell.spice.area import value

    lines = (line for line in design.netlist.bodies["cell"] if line[0] in "cC")
    return sum(value(line, design.sizes) for line in lines)


def _or_none(value: float) -> str:
    return _fixed(value) if value else NONE


def _fixed(value: float) -> str:
    return f"{value:.2f}"


def _figures(
    design: Design, drawn: Drawn, before: Record, after: Record
) -> list[tuple[str, str, str]]:
    def row(name: str, figure: Callable[[Record], float], digits: int = 3) -> tuple[str, str, str]:
        def shown(record: Record) -> str:
            try:
                return f"{figure(record):.{digits}g}"
            except (KeyError, TypeError):
                return LACKING

        return name, shown(before), shown(after)

    def worst(values: list[float]) -> float:
        return max(values, key=abs)

    rows = [
        row("storage node with its gates, fF", lambda r: r["noise"]["storage_f"] * FF),
        row("worst pedestal of a write, mV", lambda r: MV * worst(r["write"]["pedestal_v"])),
        row("what the code before changes, mV", lambda r: MV * worst(r["write"]["memory_v"])),
        row("a swing of the write bit line, mV", lambda r: MV * worst(r["write"]["row_swing_v"])),
        row("a read moves the node by, mV", lambda r: MV * worst(r["write"]["read_v"])),
        *_disturbed(design, drawn, after),
        row("full scale of a read, fC", lambda r: r["cell"]["full_scale_fc"]),
        row("polynomial leaves, %", lambda r: PERCENT * r["cell"]["residual"]),
        row(
            "a pulse against its width, % of full scale",
            lambda r: PERCENT * r["cell"]["proportion_residual"],
        ),
        row("half a step is kept for, ms", lambda r: 1e3 * r["retention"]["half_step_s"]),
        row("a cell's gain, sigma, %", lambda r: PERCENT * r["mismatch"]["gain_sigma"]),
        row(
            "a word line's pulse gets longer by, ps",
            lambda r: (
                PS * worst([r["line_driver"][f"longer{end}_s"] for end in ("", "_complement")])
            ),
        ),
        row("DACs settle to, mV", lambda r: MV * worst(r["dac"]["level_error_v"])),
        row(
            "the same, all rows to one code, mV",
            lambda r: MV * worst(r["dac"]["together_error_v"]),
        ),
    ]
    for stage in ("score", "output"):
        name = f"{stage} converter"
        rows += [
            row(
                f"{name}, slope, ps per fC",
                lambda r, s=stage: PS * r[s]["lines"]["positive"]["slope_s_per_fc"],  # type: ignore[misc]
            ),
            row(
                f"{name}, pulses may begin after, ns",
                lambda r, s=stage: 1e9 * r[s]["delay_s"][0],  # type: ignore[misc]
            ),
            row(
                f"{name}, worst random column, % of a full pulse",
                lambda r, s=stage: PERCENT * r[s]["columns"]["largest_error"],  # type: ignore[misc]
            ),
            row(
                f"{name}, spread of slopes, %",
                lambda r, s=stage: PERCENT * r[s]["spread"]["gain_sigma"],  # type: ignore[misc]
            ),
            row(
                f"{name}, a conversion, fJ",
                lambda r, s=stage: (
                    FF  # type: ignore[misc]
                    * sum(r[s]["energy"][f"{part}_j"] for part in ("reset", "integrate", "convert"))
                ),
            ),
        ]
    rows += [
        row(
            "both word lines of a cell, a pulse, fJ", lambda r: FF * r["cell"]["energy"]["lines_j"]
        ),
        row("write word line of a cell, fJ", lambda r: FF * r["cell"]["energy"]["write_line_j"]),
        row("read of a cell, code 0, fJ", lambda r: FF * r["cell"]["energy"]["read_j"][0]),
        row("driver and lines of a row, a pulse, fJ", lambda r: FF * r["line_driver"]["energy_j"]),
        row("DACs, one write of an array, pJ", lambda r: PJ * r["dac"]["energy_j"]),
        row("a token, pJ", _token_pj, 5),
    ]
    return rows


def _token_pj(record: Record) -> float:
    """All parts of a token; TypeError where one has not been simulated."""
    return PJ * float(sum(record["derived"]["token_energy_j"].values()))


def _disturbed(design: Design, drawn: Drawn, after: Record) -> list[tuple[str, str, str]]:
    """What swings of a neighbour's nets do to a storage node, counted from the couplings, mV."""
    levels = design.levels
    swings = {
        "s": levels.full_scale_v - levels.lowest_v,
        "wwl": levels.write_on_v - levels.write_off_v,
        "wbl": levels.full_scale_v - levels.lowest_v,
    }
    names = {
        "s": "neighbours' nodes, all written over the whole range",
        "wwl": "neighbours' write word lines",
        "wbl": "neighbours' write bit lines",
    }
    node = (after.get("noise") or {}).get("storage_f")
    rows = []
    for net, swing_v in swings.items():
        farads = drawn.keys.outside_f.get(("s", net), 0.0)
        shown = LACKING if node is None else f"{MV * swing_v * farads / node:.2g}"
        rows.append((f"disturb by {names[net]}, mV", NONE, shown))
    return rows
