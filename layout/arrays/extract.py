"""Finds the circuit of a drawn sub-tile: its transistors with sizes, and what is joined."""

from __future__ import annotations

from typing import Any

from gaincell.layout.klayout import db
from gaincell.layout.process import Process
from gaincell.spice.area import CAPACITOR_F_PER_UM2

N_MODEL, P_MODEL = "n", "p"
LOW = "_low"
"""End of the names of models with a low threshold."""
CAPACITOR, RESISTOR = "capacitor", "resistor"
SUBSTRATE = "vss"
DRAWN = {"poly": "poly with resistors"}
"""Other names of layers as drawn: under its own name poly is without resistors' bodies."""
ENDS = ("nsd", "psd", "ntap", "ptap")
"""Layers of diffusion without the gates in it."""
STACK = (
    ("nsd", "licon"),
    ("psd", "licon"),
    ("ntap", "licon"),
    ("ptap", "licon"),
    ("poly", "licon"),
    ("licon", "li"),
    ("li", "mcon"),
    ("mcon", "m1"),
    ("m1", "via"),
    ("via", "m2"),
    ("ntap", "nwell"),
    ("m2", "via2"),
    ("via2", "m3"),
    ("m3", "metal_via3"),
    ("metal_via3", "m4"),
    ("capm", "plate_via3"),
    ("plate_via3", "m4"),
    ("m1", "m1_label"),
    ("m2", "m2_label"),
)
"""Pairs of layers that are joined where they overlap."""


def extract(cell: Any, process: Process) -> Any:
    """KLayout's ``LayoutToNetlist`` of a cell, its netlist extracted, cells in it as circuits.

    The substrate is ``vss``. Nets take the names of the labels on their metal.
    """
    kdb = db()
    layout = cell.layout()
    found = kdb.LayoutToNetlist(kdb.RecursiveShapeIterator(layout, cell, []))
    drawn = {name: layout.layer(*numbers) for name, numbers in process.layers.items()}
    layers = {
        name: (
            found.make_text_layer(index, name)
            if name.endswith("_label")
            else found.make_layer(index, DRAWN.get(name, name))
        )
        for name, index in drawn.items()
    }
    bodies = layers["poly"] & layers["poly_res"]
    layers["poly"] = layers["poly"] - layers["poly_res"]
    found.register(layers["poly"], "poly")
    diff, well, poly = layers["diff"], layers["nwell"], layers["poly"]
    sides = {"n": diff - well, "p": diff & well}
    layers |= {"nsd": sides["n"] - poly, "psd": sides["p"] - poly}
    layers |= {"ntap": layers["tap"] & well, "ptap": layers["tap"] - well}
    for name in ENDS:
        found.register(layers[name], name)
    over = {"plate_via3": layers["via3"] & layers["capm"]}
    layers |= over | {"metal_via3": layers["via3"] - layers["capm"]}
    bulk = found.make_layer("bulk")
    for model, bulk_layer in ((N_MODEL, bulk), (P_MODEL, well)):
        ends, gates = layers[f"{model}sd"], sides[model] & poly
        for name, own in ((model, gates - layers["lvtn"]), (model + LOW, gates & layers["lvtn"])):
            places = {"SD": ends, "G": own, "P": poly, "W": bulk_layer}
            places |= {"tS": ends, "tD": ends, "tG": poly, "tW": bulk_layer}
            found.extract_devices(kdb.DeviceExtractorMOS4Transistor(name), places)
    plates = {"P1": layers["capm"], "P2": layers["m3"], "tA": layers["capm"], "tB": layers["m3"]}
    found.extract_devices(kdb.DeviceExtractorCapacitor(CAPACITOR, CAPACITOR_F_PER_UM2), plates)
    ends = {"R": bodies, "C": poly, "tA": poly, "tB": poly}
    found.extract_devices(kdb.DeviceExtractorResistor(RESISTOR, process.sheets["poly"]), ends)
    for name in {name for pair in STACK for name in pair if not name.endswith("_label")}:
        found.connect(layers[name])
    for below, above in STACK:
        found.connect(layers[below], layers[above])
    for layer in (bulk, layers["ptap"]):
        found.connect_global(layer, SUBSTRATE)
    found.extract_netlist()
    return found
