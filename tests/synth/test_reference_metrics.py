"""The committed metrics stay what the flow gives, and keep what was reached."""

import json
import runpy
from importlib.resources import files
from pathlib import Path

import pytest

from gaincell.config import HeadConfig
from gaincell.hdl.verilog import head_verilog
from gaincell.synth.blocks import blocks_of
from gaincell.synth.estimate.digital import REFERENCE
from gaincell.synth.library.generic import NAME
from gaincell.synth.metrics import read_metrics
from gaincell.synth.steps.opensta import find_opensta
from gaincell.synth.steps.timing import time_netlist
from gaincell.text import markdown

ROOT = Path(__file__).parents[2]
LIBRARIES = {
    "NangateOpenCellLibrary": "nangate45_typ",
    "sky130_fd_sc_hd__tt_025C_1v80": "sky130hd_tt",
    "sg13g2_stdcell_typ_1p20V_25C": "sg13g2_typ",
}
METRICS = json.loads((files("gaincell.data") / REFERENCE).read_text())
GATED = [each for each in METRICS if each["options"]["clock_gating"]]


def name_of(metrics):
    config, library = metrics["config"], metrics["library"]["name"]
    stages = config.get("sync_stages", 1)
    readout = config.get("readout", "popcount")
    return f"{library}-{readout}-{stages}"


def library_of(metrics, generic, real_library):
    name = metrics["library"]["name"]
    return generic if name == NAME else real_library(LIBRARIES[name])


# The first and the last: the others have the Verilog of one and the library of another of these.
@pytest.mark.slow
@pytest.mark.parametrize("metrics", [GATED[0], GATED[-1]], ids=name_of)
def test_the_flow_still_gives_the_committed_metrics(
    metrics, generic, real_library, mapped, tmp_path
):
    library = library_of(metrics, generic, real_library)
    config = HeadConfig(**metrics["config"])
    netlist, path, _ = mapped(library, config)
    area = metrics["area"]
    assert netlist.area_um2(library) == pytest.approx(area["cells_um2"], rel=0.005)
    flops = sum(
        n
        for cell, n in netlist.counts.items()
        if cell in library.cells and library.cells[cell].sequential
    )
    assert flops == area["flops"]
    if find_opensta() is None or metrics["library"]["estimate"]:
        return
    (tmp_path / "netlist.v").write_text(netlist.verilog())
    (tmp_path / "library.lib").write_text(library.text)
    block = blocks_of(netlist, library)
    timing, _ = time_netlist(netlist, block, 1.0, tmp_path, path.parent / "map.log")
    assert timing.slack_ns == pytest.approx(metrics["timing"]["slack_ns"], abs=0.02)


def test_committed_metrics_are_of_this_head():
    default = METRICS[0]
    assert default["config"] == {}
    assert default["library"]["name"] == "NangateOpenCellLibrary"
    assert len(head_verilog(HeadConfig())) == default["verilog_bytes"]


def test_the_page_shows_the_committed_metrics():
    synthesis = runpy.run_path(str(ROOT / "benchmarks" / "synthesis.py"))
    libraries = [Path(f"{name}.lib.gz") for name in LIBRARIES.values()]
    lines = [
        synthesis["text_of"](row, read_metrics(metrics))
        for row, metrics in zip(synthesis["rows_for"](libraries), METRICS, strict=True)
    ]
    page = (ROOT / "docs" / "evidence" / "tables" / "silicon.md").read_text()
    assert page == markdown(list(synthesis["COLUMNS"]), lines) + "\n"


def test_default_head_meets_timing_and_energy_at_45_nm():
    default = METRICS[0]
    assert default["timing"]["slack_ns"] >= 0.1
    assert default["energy_per_token_j"] <= 0.7e-9
    assert default["power"]["unmatched"] == 0
    assert default["gate_level"]["mismatches"] == 0


def test_every_simulated_netlist_computed_attention():
    simulated = [each for each in METRICS if each["power"] is not None]
    assert len(simulated) == len(METRICS) - 2, "all but the estimates"
    assert all(each["gate_level"]["mismatches"] == 0 for each in simulated)
    assert all(each["gate_level"]["tokens"] == 1280 for each in simulated)


def test_clock_gates_save_power_and_area():
    by_name = {}
    for each in METRICS:
        by_name.setdefault(name_of(each), {})[each["options"]["clock_gating"]] = each
    pairs = [pair for pair in by_name.values() if len(pair) == 2]
    assert len(pairs) == len(LIBRARIES)
    for pair in pairs:
        assert pair[True]["area"]["cells_um2"] < pair[False]["area"]["cells_um2"]
        if pair[True]["power"] is not None:
            assert pair[True]["power"]["total_w"] < pair[False]["power"]["total_w"]
