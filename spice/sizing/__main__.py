"""Sizes a design: a table of what each size costs, and the one that meets the goals.

    python -m gaincell.spice.sizing --design sky130 --vary l_read=2,3,4 -o sizes.md

A size is one of design.toml. --vary may be given several times: each starts from the best so far.
"""

import argparse
import sys
from dataclasses import fields
from pathlib import Path

from gaincell.files import check_writable, replacing
from gaincell.refusals import Refused, Unable, refusing
from gaincell.spice.design import load_design
from gaincell.spice.ngspice import need_ngspice, ngspice_version
from gaincell.spice.sizing.goals import Goals, load_goals
from gaincell.spice.sizing.search import Axis, Tried, search

HEADER = (
    "sizes",
    "full scale, fC",
    "proportion, %",
    "gain of cells, %",
    "noise, %",
    "columns, %",
    "slopes, %",
    "energy, fJ",
    "cell, um2",
    "converters, um2",
)
GOALS = [each.name for each in fields(Goals)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--design", required=True, help="a shipped design's name, or a folder")
    parser.add_argument(
        "--vary",
        action="append",
        required=True,
        metavar="SIZE=VALUES",
        help='such as "l_read=2,3"; several sizes together take factors: "w_ramp,l_ramp=x2,x4"',
    )
    parser.add_argument("--goals", type=Path, help="TOML file with a table [goals]")
    parser.add_argument("--seed", type=int, default=1, help="of mismatch and columns")
    parser.add_argument("-o", "--output", type=Path, required=True, help="Markdown file")
    arguments = parser.parse_args()
    with refusing():
        check_writable(arguments.output)
        goals = load_goals(arguments.goals)
        design = load_design(arguments.design)
        axes = [Axis.of(text, design) for text in arguments.vary]
        need_ngspice()
        source = design.models.source

    def say(tried: Tried) -> None:
        print(row(tried, goals), flush=True)

    tried, best = search(design, axes, goals, arguments.seed, say)
    lines = [
        f"Design {design.name}, {source}, {ngspice_version()}, seed {arguments.seed}. Figures in "
        "bold miss their goal.",
        "",
        *(f"| {' | '.join(cells)} |" for cells in (HEADER, ["---"] * len(HEADER), _most(goals))),
        *(row(each, goals) for each in tried),
        "",
        _verdict(best, goals),
    ]
    with replacing(arguments.output) as unfinished:
        unfinished.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(lines[-1])
    return 0 if best.figures is not None and not best.figures.missed(goals) else 1


def row(tried: Tried, goals: Goals) -> str:
    """A line of the table."""
    named = ", ".join(f"{name} = {size:.4g}" for name, size in tried.changed.items())
    cells = [named or "as they are"]
    found = tried.figures
    if found is None:
        return f"| {cells[0]} | {tried.why} |{' |' * (len(HEADER) - 2)}"
    missed = found.missed(goals)
    cells.append(f"{found.cell.full_scale_fc:.1f}")
    for name in GOALS:
        text = f"{100 * found.by_name[name]:.2f}"
        cells.append(f"**{text}**" if name in missed else text)
    cells += [f"{found.energy_j * 1e15:.0f}"]
    cells += [f"{found.cell_um2:.3g}", f"{found.converters_um2:.4g}"]
    return f"| {' | '.join(cells)} |"


def _most(goals: Goals) -> list[str]:
    most = [f"at most {100 * getattr(goals, name):.3g}" for name in GOALS]
    return ["goals", "", *most, "the least", "", ""]


def _verdict(best: Tried, goals: Goals) -> str:
    if best.figures is None:
        return f"No sizes give a result: {best.why}"
    missed = best.figures.missed(goals)
    sizes = "; ".join(f"`{name} = {size:.4g}`" for name, size in best.changed.items())
    chosen = f"sizes are {sizes}" if sizes else "sizes are as they are"
    if missed:
        return f"No sizes meet all goals. Nearest: {chosen}; missed: {', '.join(missed)}."
    return f"The {chosen}: all goals are met, at the least energy of those tried."


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Refused, Unable) as ending:
        print(f"gaincell: {ending}", file=sys.stderr)
        sys.exit(ending.status)
