import struct

import numpy as np
import pytest

from gaincell.behavioral.tokens import random_tokens
from gaincell.config import HeadConfig
from gaincell.layout.digital.files import write_gds
from gaincell.layout.digital.flow import Given, run_layout
from gaincell.layout.digital.technology import find_sky130
from gaincell.synth.library.liberty_file import load_library
from gaincell.synth.netlist import read_netlist
from gaincell.synth.steps.mapping import TOP

HEAD = HeadConfig(head_dim=2, window=4, columns=2)


def records(data):
    """Kind and content of each record of a GDS file."""
    at = 0
    while at < len(data):
        size, kind = struct.unpack(">HH", data[at : at + 4])
        yield kind, data[at + 4 : at + size]
        at += size


@pytest.mark.needs("sky130")
def test_gds_has_the_cells_shapes_and_places(tmp_path):
    technology = find_sky130()
    placed = {
        "a": ("sky130_fd_sc_hd__inv_1", (0.0, 0.0)),
        "b": ("sky130_fd_sc_hd__inv_1", (1.38, 2.72)),
        "c": ("sky130_fd_sc_hd__dfxtp_1", (4.6, 0.0)),
    }
    write_gds("top", placed, technology, tmp_path / "top.gds")
    found = list(records((tmp_path / "top.gds").read_bytes()))
    names = [text.rstrip(b"\0").decode() for kind, text in found if kind == 0x0606]
    assert names[-1] == "top"
    assert len(names) == len(set(names)) == 3
    references = [text for kind, text in found if kind == 0x1206]
    assert len(references) == 3
    corners = [text for kind, text in found if kind == 0x1003][-3:]
    spots = [struct.unpack(">2i", text) for text in corners]
    assert spots == [(0, 0), (1380, 5440), (4600, 0)]  # mirrored cells hang from their top
    assert sum(kind == 0x1A01 for kind, _ in found) >= 1
    units = next(text for kind, text in found if kind == 0x0305)
    assert [decoded(units[:8]), decoded(units[8:])] == pytest.approx([1e-3, 1e-9])


def decoded(real):
    (bits,) = struct.unpack(">Q", real)
    return (bits & ((1 << 56) - 1)) / (1 << 56) * 16.0 ** ((bits >> 56) - 64)


@pytest.mark.slow
@pytest.mark.needs("sky130", "coriolis", "opensta", "synth", "shared")
def test_a_small_head_is_laid_out_meets_hold_and_still_computes_attention(shared_file, tmp_path):
    library = load_library(shared_file("sky130hd_tt.lib.gz"), node_nm=130)
    given = Given(
        config=HEAD,
        library=library,
        technology=find_sky130(),
        clock_ns=5.0,
        fill=0.6,
        tokens=random_tokens(12, HEAD, np.random.default_rng(4)),
        prove=True,
        route=True,
    )
    metrics = run_layout(given, tmp_path, lambda step: None)
    assert metrics.hold_slack_ns >= 0
    assert metrics.setup_slack_ns > 0
    assert metrics.before.fmax_mhz is not None
    assert 0.5 < metrics.fmax_mhz / metrics.before.fmax_mhz < 1.05
    assert metrics.clock_buffers >= 3
    assert metrics.wire_um_per_input_estimated == pytest.approx(metrics.wire_um_per_input, rel=0.2)
    assert metrics.equivalence is not None
    assert metrics.equivalence.points > 20
    assert metrics.power is not None
    assert metrics.power.unmatched == 0
    routing = metrics.routing
    assert routing is not None
    assert routing.clean
    assert routing.routed == routing.nets > 100
    assert sum(routing.wire_mm.values()) == pytest.approx(metrics.wire_mm, rel=0.05)
    assert routing.fmax_mhz == pytest.approx(metrics.fmax_mhz, rel=0.05)
    # Clock tree and delay cells come on top of the mapped cells.
    sized = read_netlist(tmp_path / "2-netlist" / "sized.json", TOP)
    added = metrics.clock_buffers + metrics.buffers_placed + metrics.hold_cells
    assert metrics.cells == len(sized.instances) + added
    files = ("head.def", "head.gds", "head.png", "head.spef", "head.v", "routes.png")
    for name in (*files, "metrics.json"):
        assert (tmp_path / name).stat().st_size > 1000
    text = (tmp_path / "head.def").read_text()
    assert f"COMPONENTS {metrics.cells} ;" in text
