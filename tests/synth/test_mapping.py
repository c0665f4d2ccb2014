import json
from collections import Counter

import pytest

from gaincell.config import PRESETS, HeadConfig
from gaincell.core.config import CoreConfig
from gaincell.synth.blocks import BEATS, BLOCKS, CLOCK, blocks_of
from gaincell.synth.steps.equivalence import NotProved, prove_equivalent

SMALL = HeadConfig(head_dim=2, window=4, columns=2)
POPCOUNT = HeadConfig(head_dim=2, window=16, columns=4)
CORE = CoreConfig(
    head=SMALL,
    heads=4,
    heads_per_group=2,
    token_beat_bits=5,
    result_beat_bits=3,
    refresh_beat_bits=4,
)
CONFIGS = {
    "popcount": POPCOUNT,
    "counters": HeadConfig(head_dim=2, window=8, columns=4, readout="counters"),
    "paired, sink, two stages": HeadConfig(
        head_dim=3, window=6, columns=3, sink=2, schedule="paired", sync_stages=2
    ),
    "no refresh": HeadConfig(head_dim=5, window=4, columns=1, refresh=False),
    "one cell": HeadConfig(head_dim=1, window=1, columns=1),
    "core of two groups in beats": CORE,
}


@pytest.mark.formal
@pytest.mark.parametrize("gating", [True, False])
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_netlist_is_proved_to_be_the_rtl(generic, mapped, tmp_path, config, gating):
    _, path, rtl = mapped(generic, config, clock_gating=gating)
    assert prove_equivalent(path, rtl, generic, tmp_path) > 20


@pytest.mark.formal
def test_netlist_of_a_library_with_tables_is_proved_to_be_the_rtl(small, mapped, tmp_path):
    netlist, path, rtl = mapped(small, PRESETS["tiny"])
    assert netlist.counts["CLKGATE"] >= 4
    assert netlist.counts["FULLADD"] >= PRESETS["tiny"].head_dim * 3
    assert prove_equivalent(path, rtl, small, tmp_path) > 400


@pytest.mark.formal
@pytest.mark.slow
@pytest.mark.parametrize("name", ["nangate45_typ", "sky130hd_tt", "sg13g2_typ"])
def test_netlist_of_a_real_library_is_proved_to_be_the_rtl(real_library, mapped, tmp_path, name):
    library = real_library(name)
    netlist, path, rtl = mapped(library, POPCOUNT)
    assert any(library.cells[cell].gate for cell in netlist.counts)
    assert prove_equivalent(path, rtl, library, tmp_path) > 200


@pytest.mark.formal
@pytest.mark.parametrize("kind", ["NAND2", "XOR2", "FULLADD"])
def test_a_wrong_gate_is_refuted(generic, mapped, tmp_path, kind):
    _, path, rtl = mapped(generic, SMALL)
    design = json.loads(path.read_text())
    cells = design["modules"]["gaincell_head"]["cells"]
    wrong = next(cell for cell in cells.values() if cell["type"] == kind)
    pins = wrong["connections"]
    if kind == "FULLADD":
        pins["S"], pins["CO"] = pins["CO"], pins["S"]
    else:
        wrong["type"] = {"NAND2": "NOR2", "XOR2": "OR2"}[kind]
    planted = tmp_path / "planted.json"
    planted.write_text(json.dumps(design))
    with pytest.raises(NotProved, match="unproven"):
        prove_equivalent(planted, rtl, generic, tmp_path)


@pytest.mark.formal
def test_a_wrong_enable_of_a_clock_gate_is_refuted(generic, mapped, tmp_path):
    _, path, rtl = mapped(generic, SMALL)
    design = json.loads(path.read_text())
    cells = design["modules"]["gaincell_head"]["cells"].values()
    first, second = [cell for cell in cells if cell["type"] == "CLKGATE"][:2]
    first["connections"]["E"] = second["connections"]["E"]
    planted = tmp_path / "planted.json"
    planted.write_text(json.dumps(design))
    with pytest.raises(NotProved, match="unproven"):
        prove_equivalent(planted, rtl, generic, tmp_path)


def test_gated_clocks_replace_multiplexers(generic, mapped):
    gated = mapped(generic, POPCOUNT)[0]
    muxed = mapped(generic, POPCOUNT, clock_gating=False)[0]
    assert gated.counts["CLKGATE"] >= 4
    assert muxed.counts["CLKGATE"] == 0
    assert gated.area_um2(generic) < muxed.area_um2(generic)


def test_readout_uses_full_adders(generic, mapped):
    # Per dimension: 4 + 4 bits in the lowest column, then carries; see sum_columns.
    assert mapped(generic, POPCOUNT)[0].counts["FULLADD"] >= POPCOUNT.head_dim * 3


def test_every_cell_has_a_block(generic, mapped):
    netlist = mapped(generic, POPCOUNT)[0]
    block = blocks_of(netlist, generic)
    assert block.keys() == {instance.name for instance in netlist.instances}
    assert {CLOCK, "readout", "refresh", "sequencer", "result_queue"} <= set(block.values())
    readout = [
        instance
        for instance in netlist.instances
        if instance.cell == "FULLADD" and block[instance.name] != "readout"
    ]
    assert not readout
    assert set(block.values()) <= {*BLOCKS, CLOCK, "registers", "array ports"}


def test_blocks_of_a_core_are_those_of_its_head_once_or_in_each_group(generic, mapped):
    def flops(config):
        netlist = mapped(generic, config)[0]
        block = blocks_of(netlist, generic)
        sequential = {name for name, cell in generic.cells.items() if cell.sequential}
        return Counter(block[each.name] for each in netlist.instances if each.cell in sequential)

    head, core = flops(SMALL), flops(CoreConfig(head=SMALL, heads=2))
    assert BEATS not in core
    for name in ("readout", "result_queue", "query_pulses"):
        assert core[name] == 2 * head[name]
    for name in ("refresh", "admission", "sequencer", "write_pointer"):
        assert core[name] == head[name]
    assert flops(CORE)[BEATS] >= CORE.token_bits + CORE.result_bits + CORE.stored_bits


def test_netlist_text_names_every_port_bit_once(generic, mapped):
    netlist = mapped(generic, POPCOUNT)[0]
    text = netlist.verilog()
    assert text.count("module ") == 1
    assert "{" not in text
    driven = [net for net, _ in netlist.aliases]
    cells = generic.cells
    for instance in netlist.instances:
        driven += [
            instance.pins[pin] for pin in cells[instance.cell].outputs if pin in instance.pins
        ]
    assert len(driven) == len(set(driven))
    outputs = {n for port in netlist.ports if port.direction == "output" for n in port.nets}
    assert outputs <= set(driven)
