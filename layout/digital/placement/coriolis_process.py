"""Global placement by Coriolis' Etesian: a program of its own, which ``place`` runs.

It imports nothing of gaincell, and gaincell never imports it: Coriolis is GPL software, which we
call as a tool. Arguments: a JSON file with the order, and the file for the positions.
"""

import json
import sys
from pathlib import Path
from typing import Any


def main(order_file: str, target: str) -> int:
    """Place what ``order_file`` says; write the lower left corner of each instance, um."""
    order = json.loads(Path(order_file).read_text())
    from coriolis import CRL, Cfg, Etesian
    from coriolis.helpers import u
    from coriolis.helpers.overlay import CfgCache
    from coriolis.Hurricane import Box, DataBase, DbU, Library, Pin, UpdateSession

    _technology(order)
    with CfgCache(priority=Cfg.Parameter.Priority.ConfigurationFile) as cfg:
        _settings(cfg, order, u)
    frame = CRL.AllianceFramework.get()
    library = Library.create(DataBase.getDB().getRootLibrary(), order["library"])
    frame.wrapLibrary(library, 0)
    CRL.LefImport.load(order["technology_lef"])
    CRL.LefImport.setMergeLibrary(library)
    for file in order["cell_lefs"]:
        CRL.LefImport.load(file)
    frame.wrapLibrary(library, 1)
    cell = CRL.Blif.load(order["design"])
    UpdateSession.open()
    cell.setAbutmentBox(Box(u(0.0), u(0.0), u(order["width_um"]), u(order["height_um"])))
    layer = DataBase.getDB().getTechnology().getLayer(order["metals"][1][0])
    side = u(order["metals"][1][1])
    for name, (x, y) in order["ports"].items():
        net = cell.getNet(name)
        way, status = Pin.Direction.NORTH, Pin.PlacementStatus.FIXED
        Pin.create(net, name, way, status, layer, u(x), u(y), side, side)
    UpdateSession.close()
    engine = Etesian.EtesianEngine.create(cell)
    engine.place()
    found = {}
    for instance in cell.getInstances():
        box = instance.getAbutmentBox()
        found[instance.getName()] = [
            DbU.toPhysical(value, DbU.UnitPowerMicro) for value in (box.getXMin(), box.getYMin())
        ]
    Path(target).write_text(json.dumps(found))
    return 0


def _technology(order: dict[str, Any]) -> None:
    """Layers, as far as placement asks for them: those of cells' pins and of two gauges."""
    from coriolis import CRL, Cfg
    from coriolis.CRL import AllianceFramework, CellGauge, RoutingGauge, RoutingLayerGauge
    from coriolis.helpers import u
    from coriolis.helpers.overlay import CfgCache
    from coriolis.helpers.technology import createBL, createVia, setEnclosures
    from coriolis.Hurricane import BasicLayer, DataBase, DbU, Technology

    database = DataBase.create()
    CRL.System.get()
    technology = Technology.create(database, order["library"])
    DbU.setPrecision(2)
    DbU.setPhysicalsPerGrid(0.005, DbU.UnitPowerMicro)
    with CfgCache(priority=Cfg.Parameter.Priority.ConfigurationFile) as cfg:
        cfg.gdsDriver.metricDbu = 1e-9
        cfg.gdsDriver.dbuPerUu = 1e-3
    DbU.setGridsPerLambda(10)
    DbU.setSymbolicSnapGridStep(DbU.fromGrid(1.0))
    DbU.setPolygonStep(DbU.fromGrid(1.0))
    DbU.setStringMode(DbU.StringModePhysical, DbU.UnitPowerMicro)
    material = BasicLayer.Material
    layers = {}
    for name, kind in (("nwell", material.nWell), ("pwell", material.pWell)):
        layers[name] = createBL(technology, name, kind, size=u(0.84), spacing=u(1.27))
    for name, kind in (("nsdm", material.nImplant), ("psdm", material.pImplant)):
        createBL(technology, name, kind, size=u(0.38), spacing=u(0.38))
    createBL(technology, "diff", material.active, size=u(0.15), spacing=u(0.27))
    layers["poly"] = createBL(technology, "poly", material.poly, size=u(0.15), spacing=u(0.21))
    below = "poly"
    for name, width, cut, cut_width in order["metals"]:
        layers[cut] = createBL(
            technology, cut, material.cut, size=u(cut_width), spacing=u(cut_width)
        )
        layers[name] = createBL(technology, name, material.metal, size=u(width), spacing=u(width))
        block = createBL(technology, f"{name}.block", material.blockage)
        layers[name].setBlockageLayer(block)
        if below != "poly":
            via = createVia(technology, f"{below}_{name}", below, cut, name, u(cut_width))
            setEnclosures(via, layers[below], u(0.05))
            setEnclosures(via, layers[name], u(0.05))
        below = name
    for name in ("text.cell", "text.instance", "SPL1", "AutoLayer", "prBoundary"):
        createBL(technology, name, material.other)
    for name, kind in (("gmetalh", material.metal), ("gcontact", material.cut)):
        createBL(technology, name, kind)
    createBL(technology, "gmetalv", material.metal)
    frame = AllianceFramework.get()
    gauge = RoutingGauge.create(order["library"])
    gauge.setSymbolic(False)
    for place, (name, width, _, _) in enumerate(order["metals"]):
        way = RoutingLayerGauge.Horizontal if place % 2 else RoutingLayerGauge.Vertical
        use = RoutingLayerGauge.Default if place else RoutingLayerGauge.PinOnly
        sizes = (u(0.0), u(2 * width), u(width), u(width), u(width), u(0.0))
        gauge.addLayerGauge(
            RoutingLayerGauge.create(technology.getLayer(name), way, use, place, 0.0, *sizes)
        )
    frame.addRoutingGauge(gauge)
    frame.setRoutingGauge(order["library"])
    first = order["metals"][0][0]
    site, row = u(order["site_um"]), u(order["row_um"])
    frame.addCellGauge(CellGauge.create("site", first, site, row, site))
    frame.setCellGauge("site")


def _settings(cfg: Any, order: dict[str, Any], u: Any) -> None:
    from coriolis.CRL import AllianceFramework

    environment = AllianceFramework.get().getEnvironment()
    environment.setCLOCK("^clk$")
    environment.setPOWER(order["power"])
    environment.setGROUND(order["ground"])
    cfg.lefImport.minTerminalWidth = 0.0
    cfg.crlcore.groundName = order["ground"]
    cfg.crlcore.powerName = order["power"]
    cfg.etesian.bloat = "disabled"
    cfg.etesian.aspectRatio = 1.0
    cfg.etesian.aspectRatio = [10, 1000]
    cfg.etesian.spaceMargin = order["margin"]
    cfg.etesian.uniformDensity = True
    cfg.etesian.routingDriven = False
    cfg.etesian.feedNames = order["fill"]
    cfg.etesian.defaultFeed = order["fill"]
    cfg.etesian.latchUpDistance = u(0.0)
    cfg.etesian.cell.zero = order["tie"]
    cfg.etesian.cell.one = order["tie"]
    cfg.etesian.effort = 2
    cfg.etesian.effort = (("Fast", 1), ("Standard", 2), ("High", 3), ("Extreme", 4))
    cfg.etesian.graphics = 3
    cfg.etesian.graphics = (
        ("Show every step", 1),
        ("Show lower bound", 2),
        ("Show result only", 3),
    )
    cfg.anabatic.routingGauge = order["library"]
    cfg.anabatic.cellGauge = "site"
    cfg.anabatic.topRoutingLayer = order["metals"][-1][0]
    cfg.misc.catchCore = False
    cfg.misc.logMode = True
    cfg.viewer.minimumSize = 500
    cfg.viewer.pixelThreshold = 2


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
