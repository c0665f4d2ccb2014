"""Cores of heads as Verilog: what a core of one is, and what several groups have of their own."""

import re

import pytest

from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig
from gaincell.hdl.verilog import RESETS, head_verilog

HEAD = HeadConfig(head_dim=2, window=4, columns=2, sink=1)
BEATS = {"token_beat_bits": 5, "result_beat_bits": 3, "refresh_beat_bits": 4}


def modules(verilog):
    return re.findall(r"^module (\w+)\(", verilog, re.MULTILINE)


def ports(verilog, module):
    """Direction and name of each port, with its width."""
    body = verilog.partition(f"module {module}(")[2].partition("endmodule")[0]
    found = re.findall(r"^  (input|output) (?:\[(\d+):0\] )?(\w+);", body, re.MULTILINE)
    return {name: (direction, int(high or 0) + 1) for direction, high, name in found}


def test_a_core_of_one_head_is_the_head():
    assert head_verilog(CoreConfig(head=HEAD)) == head_verilog(HEAD)


def test_a_core_of_several_groups_has_the_ports_of_a_head_and_one_module_for_all_groups():
    head, core = head_verilog(HEAD), head_verilog(CoreConfig(head=HEAD, heads=3))
    of_head, of_core = ports(head, "gaincell_head"), ports(core, "gaincell_head")
    assert of_core.keys() == of_head.keys()
    wider = {name for name in of_head if of_core[name][1] != of_head[name][1]}
    assert wider == {
        *("token_payload", "result_payload", "refresh_response_payload"),
        *("array_k_write_code", "array_v_write_code", "array_query", "array_pulse", "array_sign"),
    }
    assert all(
        of_core[name][1] == 3 * of_head[name][1] for name in wider if name.startswith("array")
    )
    assert modules(core).count("gaincell_head_group") == 1
    assert len(re.findall(r"^  gaincell_head_group group_\d \(", core, re.MULTILINE)) == 3
    assert sum(name.startswith("gaincell_head_group_") for name in modules(core)) == 3


def test_grouped_heads_share_arrays():
    shared = CoreConfig(head=HEAD, heads=6, heads_per_group=2)
    lines = head_verilog(shared).splitlines()
    assert lines[0].endswith(
        "6 gain-cell attention heads in lock step, 2 with the same keys and values."
    )
    assert lines[1:] == head_verilog(CoreConfig(head=HEAD, heads=3)).splitlines()[1:]


def test_streams_in_beats_have_the_widths_that_were_asked_for():
    verilog = head_verilog(CoreConfig(head=HEAD, heads=3, **BEATS), "core")
    of_core = ports(verilog, "core")
    assert of_core["token_payload"] == ("input", 5 + 2)
    assert of_core["result_payload"] == ("output", 3 + 1)
    assert of_core["refresh_response_payload"] == ("input", 4 + 2)
    assert not re.search(r"\bsignal(_\d+)?\b", verilog)
    assert "a beat of 12, of a further query of 5" in verilog


@pytest.mark.parametrize("reset", RESETS)
def test_groups_have_the_reset_of_the_core(reset):
    verilog = head_verilog(CoreConfig(head=HEAD, heads=2), reset=reset)
    group = verilog.partition("module gaincell_head_group_result_queue(")[2]
    assert ("posedge rst" in group.partition("endmodule")[0]) == (reset == "async")
