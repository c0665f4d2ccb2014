"""Writes the section about a head that is drawn: its floorplan in one GDS, and areas by part."""

from gaincell.report.inputs import Inputs
from gaincell.report.page import Section


def drawn(inputs: Inputs) -> Section:
    section, found = Section("drawn", "Drawn"), inputs.floorplan
    if found is None:
        section.text("No floorplan was given. To make one:")
        section.command("gaincell layout --config head.toml --liberty cells.lib.gz -o run/")
        section.command("gaincell floorplan --config head.toml --control run/ -o drawn/")
        section.text("Then add --floorplan drawn/ to the command of this report.")
        return section
    metrics = found.metrics
    broken = "breaks some of them" if metrics.violations else "breaks none of them"
    circuits = "NOT those of the netlist" if metrics.other_circuits else "those of the netlist"
    section.text(
        f"The whole head in {metrics.process}, {metrics.sides}: {metrics.mm2_28nm:.3g} mm² at "
        f"28 nm by the square of the nodes, {metrics.mm2_28nm_capacitors_kept:.3g} mm² if "
        f"capacitors do not shrink; the paper's has {metrics.paper_mm2:g} mm² (published). Of "
        f"{metrics.rules} rules a sub-tile with all its parts {broken}, and the circuits of drawn "
        f"parts are {circuits}."
    )
    section.picture(
        "All sub-tiles above the placed control, to scale, and one of them with its parts.",
        f"Floorplan in {metrics.process}: sub-tiles of keys and of values with their converters, "
        "drivers and DACs, and below them the cells of the digital control.",
        lambda path: path.write_bytes(found.picture),
        ".png",
    )
    rows = [
        (name, f"{part.count}", f"{part.um2:,.0f}", part.state.partition(",")[0])
        for name, part in metrics.parts.items()
    ]
    rows += [
        ("free", "", f"{metrics.free_um2:,.0f}", ""),
        ("head", "", f"{metrics.um2:,.0f}", ""),
    ]
    section.table(rows, ("part", "how many", "area, um²", ""))
    section.note(f"Not counted: {metrics.not_counted}.")
    return section
