import re
import shutil
from itertools import pairwise

import pytest

from gaincell.config import HeadConfig
from gaincell.refusals import Refused, Unable
from gaincell.synth.blocks import blocks_of
from gaincell.synth.library.generic import write_generic
from gaincell.synth.library.liberty_file import load_library
from gaincell.synth.netlist import Instance, Netlist, Port
from gaincell.synth.steps import opensta
from gaincell.synth.steps.opensta import find_opensta, no_result, run_opensta
from gaincell.synth.steps.sdc import UNCERTAINTY_NS, check_clock, constraints
from gaincell.synth.steps.timing import time_netlist

HEAD = HeadConfig(head_dim=2, window=4, columns=2)


@pytest.fixture
def timed(small, mapped, tmp_path):
    """Times a small head at a clock period."""
    netlist, path, _ = mapped(small, HEAD)
    block = blocks_of(netlist, small)

    def at(clock_ns):
        (tmp_path / "netlist.v").write_text(netlist.verilog())
        (tmp_path / "library.lib").write_text(small.text)
        return time_netlist(netlist, block, clock_ns, tmp_path, path.parent / "map.log")

    return at


@pytest.mark.needs("opensta")
def test_slack_is_the_sum_of_the_tables_on_the_path(small, tmp_path):
    """One inverter between two flops, at loads and transitions that are points of the tables."""
    instances = (
        Instance("u0", "DFF", {"CK": "clk", "D": "y", "Q": "q"}),
        Instance("u1", "INV", {"A": "q", "Y": "y"}),
    )
    netlist = Netlist("gaincell_head", (Port("clk", "input", ("clk",)),), instances, (), {})
    (tmp_path / "netlist.v").write_text(netlist.verilog())
    (tmp_path / "library.lib").write_text(small.text)
    block = {"u0": "sequencer", "u1": "readout"}
    timing, path = time_netlist(netlist, block, 1.0, tmp_path, tmp_path / "none.log")
    flop_ns, flop_transition_ns = 0.08 + 0.004 * 1.0, 0.04 + 0.004 * 1.0
    inverter_ns = 0.01 + 0.2 * flop_transition_ns + 0.004 * 1.2
    arrivals_ns = [stage.arrival_ns for stage in path]
    assert [stage.cell for stage in path][:3] == ["DFF", "DFF", "INV"]
    assert arrivals_ns[1:3] == pytest.approx([flop_ns, flop_ns + inverter_ns], abs=2e-4)
    # Setup by the constraint table, of a 0 ns clock and the inverter's transition: 0.03..0.05 ns.
    needed_ns = UNCERTAINTY_NS + flop_ns + inverter_ns
    assert 0.02 <= 1.0 - timing.slack_ns - needed_ns <= 0.05
    assert timing.path_blocks == "sequencer > readout > sequencer"


@pytest.mark.needs("opensta")
@pytest.mark.parametrize("name", ["none", "default"])
def test_the_note_says_whether_a_wire_load_counts(small, tmp_path, name):
    model = 'wire_load ("w") { capacitance : 1; slope : 5; fanout_length (1, 20); }'
    header = {"none": "", "default": '  default_wire_load : "w";\n'}[name]
    text = small.text.replace("  delay_model", f"{header}  {model}\n  delay_model", 1)
    flop = Instance("u0", "DFF", {"CK": "clk", "D": "y", "Q": "y"})
    netlist = Netlist("gaincell_head", (Port("clk", "input", ("clk",)),), (flop,), (), {})
    (tmp_path / "netlist.v").write_text(netlist.verilog())
    (tmp_path / "library.lib").write_text(text)
    timing, _ = time_netlist(netlist, {}, 1.0, tmp_path, tmp_path / "none.log")
    wires = {"none": "no wires", "default": "wires by the library's default wire load"}[name]
    assert timing.note == f"setup, before layout: {wires}, an ideal clock"
    assert (timing.slack_ns < 0.8) == (name == "default")


@pytest.mark.needs("opensta")
def test_slack_falls_with_the_period(timed):
    (slow, _), (fast, path) = timed(2.0), timed(1.0)
    assert slow.slack_ns - fast.slack_ns == pytest.approx(1.0, abs=1e-3)
    assert fast.fmax_mhz == pytest.approx(1000 / (1.0 - fast.slack_ns))
    assert slow.fmax_mhz == pytest.approx(fast.fmax_mhz, rel=1e-3)
    assert len(path) > 3
    assert all(stage.block for stage in path)
    arrivals = [stage.arrival_ns for stage in path]
    assert arrivals == sorted(arrivals)
    blocks = fast.path_blocks.split(" > ")
    assert set(blocks) == {stage.block for stage in path}
    assert all(left != right for left, right in pairwise(blocks))


def test_without_opensta_abc_estimates_and_says_how_to_install(timed, monkeypatch):
    monkeypatch.setattr(opensta, "NAMES", ())
    estimate, path = timed(1.0)
    assert path == ()
    assert estimate.tool == "ABC's estimate"
    assert estimate.slack_ns is None
    assert estimate.fmax_mhz is None
    assert "longest logic between registers 0." in estimate.note
    assert "apt-get install opensta" in estimate.note


def test_finds_opensta_under_either_name(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: name if name == "opensta" else None)
    assert find_opensta() == "opensta"
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert find_opensta() is None


def test_constraints_leave_the_clock_port_out():
    text = constraints(0.8)
    assert "-period 0.8 " in text
    assert 'ne "clk"' in text


@pytest.mark.parametrize("clock_ns", [0.25, 0.0, -1.0, float("nan")])
def test_refuses_a_clock_without_time_for_logic(clock_ns):
    with pytest.raises(ValueError, match=r"must be above 0\.25 ns"):
        check_clock(clock_ns)


@pytest.mark.needs("opensta")
def test_a_library_in_ps_has_the_slack_of_the_one_in_ns(tmp_path):
    """The built-in library, whose only unit of time stands in four attributes."""
    write_generic(tmp_path / "ns.lib")
    text = (tmp_path / "ns.lib").read_text().replace('"1ns"', '"1ps"')
    text = re.sub(r"(index_1|values) \((.*?)\);", _thousandfold, text)
    (tmp_path / "ps.lib").write_text(text)
    slacks = []
    for name in ("ns", "ps"):
        library = load_library(tmp_path / f"{name}.lib")
        instances = (
            Instance("u0", "DFF", {"CK": "clk", "D": "y", "Q": "q"}),
            Instance("u1", "NAND2", {"A": "q", "B": "q", "Y": "y"}),
        )
        ports = (Port("clk", "input", ("clk",)), Port("y", "output", ("y",)))
        netlist = Netlist("gaincell_head", ports, instances, (), {})
        folder = tmp_path / name
        folder.mkdir()
        (folder / "netlist.v").write_text(netlist.verilog())
        (folder / "library.lib").write_text(library.text)
        timing, _ = time_netlist(netlist, {}, 1.0, folder, folder / "none.log")
        assert not re.search("error|warning", (folder / "timing.rpt").read_text().lower())
        slacks.append(timing.slack_ns)
    assert slacks[0] == slacks[1]
    assert 0.7 < slacks[0] < 0.85  # 0.05 ns of uncertainty, 0.1 ns outside, and the cells


def _thousandfold(found):
    numbers = re.sub(r"[\d.]+", lambda number: f"{float(number[0]) * 1000:g}", found[2])
    return f"{found[1]} ({numbers});"


@pytest.mark.parametrize(
    ("printed", "kind", "reason"),
    [
        ("Error: library.lib, line 7 syntax error", Refused, "library.lib, line 7 syntax error"),
        (
            "Warning: slow\nError: netlist.v line 3, no cell X",
            Unable,
            "netlist.v line 3, no cell X",
        ),
        ("Warning: constraints.sdc is odd", Unable, "Warning: constraints.sdc is odd"),
        ("", Unable, "it does not say why"),
    ],
)
def test_opensta_without_a_slack_is_quoted(tmp_path, printed, kind, reason):
    report = tmp_path / "timing.rpt"
    report.write_text(f"OpenSTA 2.0.17\n{printed}\n")
    error = no_result("slack", report)
    assert type(error) is kind
    assert reason in str(error)
    assert str(error).startswith("OpenSTA reports no slack: ")


def test_a_crash_of_opensta_is_the_environments_fault(tmp_path):
    program = tmp_path / "sta"
    program.write_text("#!/bin/sh\nkill -11 $$\n")
    program.chmod(0o755)
    with pytest.raises(Unable, match="OpenSTA crashed with signal 11"):
        run_opensta(str(program), "", tmp_path, "timing")
