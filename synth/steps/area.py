"""Area step: cells, flops and um2 of a netlist, in all and by block."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gaincell.synth.library.cells import Library, listed
from gaincell.synth.library.generic import transistors
from gaincell.synth.metrics import Area, BlockArea
from gaincell.synth.netlist import Netlist
from gaincell.synth.steps import step
from gaincell.synth.steps.clock_tree import clock_tree
from gaincell.synth.wire_estimate import WIRE_F_PER_UM


@dataclass(frozen=True, kw_only=True)
class Inputs:
    netlist: Netlist
    block: Mapping[str, str]
    library: Library
    estimate: bool


@dataclass(frozen=True, kw_only=True)
class Outputs(step.Outputs):
    """``cautions`` begin with those of the library; None: there are none."""

    area: Area
    cautions: list[str] | None


def run(inputs: Inputs) -> Outputs:
    """Count the cells; no tool runs, and no file is written."""
    netlist, library = inputs.netlist, inputs.library
    parts: dict[str, list[str]] = {}  # names of the cells of each block
    for instance in netlist.instances:
        parts.setdefault(inputs.block[instance.name], []).append(instance.cell)
    blocks = {name: _block_area(cells, library) for name, cells in sorted(parts.items())}
    every = [cell for cells in parts.values() for cell in cells]
    whole = _block_area(every, library)
    sequential = [name for name in every if library.cells[name].sequential]
    tree = clock_tree(netlist, library, Counter(), WIRE_F_PER_UM)
    return Outputs(
        area=Area(
            cells_um2=whole.area_um2,
            cells=whole.cells,
            flops=whole.flops,
            sequential_um2=_block_area(sequential, library).area_um2,
            clock_tree_um2=round(tree.area_um2, 2),
            by_block=blocks,
            transistors=transistors(netlist.area_um2(library)) if inputs.estimate else None,
        ),
        cautions=[*library.cautions, *_cautions(netlist, library)] or None,
    )


def _cautions(netlist: Netlist, library: Library) -> Iterator[str]:
    without = [cell.name for cell in library.used(netlist.counts) if not cell.area_um2]
    if without:
        yield f"the area is too small, as the library has no area of {listed(without)}"


def _block_area(names: list[str], library: Library) -> BlockArea:
    cells = [library.cells[name] for name in names]
    return BlockArea(
        area_um2=round(sum(cell.area_um2 for cell in cells), 2),
        cells=len(cells),
        flops=sum(cell.sequential for cell in cells),
    )
