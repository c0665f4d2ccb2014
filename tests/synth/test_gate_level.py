from dataclasses import replace

import numpy as np
import pytest

from gaincell.behavioral.tokens import random_tokens
from gaincell.config import HeadConfig
from gaincell.refusals import Failed
from gaincell.synth.netlist import CONSTANTS
from gaincell.synth.saif import read_saif
from gaincell.synth.steps.gate_level import SCOPE, run_gate_level

CONFIG = HeadConfig(head_dim=2, window=4, columns=2, score_saturation=2.0, output_saturation=2.0)


def tokens(count=40):
    return random_tokens(count, CONFIG, np.random.default_rng(3))


@pytest.mark.cosim
@pytest.mark.parametrize("name", ["small", "generic"])
def test_netlist_with_gated_clocks_computes_attention(request, mapped, tmp_path, name):
    library = request.getfixturevalue(name)
    netlist, _, _ = mapped(library, CONFIG)
    saif = tmp_path / "activity.saif"
    run = run_gate_level(netlist, library, tokens(), CONFIG, saif=saif)
    assert run.mismatches == 0
    assert run.outputs == 40 * CONFIG.head_dim

    nets = {net for instance in netlist.instances for net in instance.pins.values()}
    activity = read_saif(saif, SCOPE, nets - set(CONSTANTS.values()))
    assert activity.matched == 1.0
    assert activity.changes_per_s["clk"] == pytest.approx(2e9, rel=0.01)
    gates = [instance for instance in netlist.instances if instance.cell == "CLKGATE"]
    gated = [instance.pins["GCK"] for instance in gates]
    assert gated
    assert all(activity.changes_per_s[net] < 1.5e9 for net in gated)


@pytest.mark.cosim
def test_a_wrong_gate_shows_in_the_outputs(generic, mapped):
    netlist, _, _ = mapped(generic, CONFIG)
    wrong = netlist.verilog().count(" XOR2 ")
    assert wrong
    instances = (
        replace(each, cell="XNOR2") if each.cell == "XOR2" else each for each in netlist.instances
    )
    planted = replace(netlist, instances=tuple(instances))
    with pytest.raises(Failed):
        run_gate_level(planted, generic, tokens(), CONFIG)
