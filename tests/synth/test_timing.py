import shutil
from itertools import pairwise

import pytest

from gaincell.synth.blocks import blocks_of
from gaincell.synth.steps import opensta
from gaincell.synth.steps.opensta import find_opensta
from gaincell.synth.steps.sdc import check_clock, constraints
from gaincell.synth.steps.timing import time_netlist


@pytest.fixture
def timed(generic, mapped, tmp_path):
    netlist, path, _ = mapped(generic)

    def at(clock_ns):
        (tmp_path / "netlist.v").write_text(netlist.verilog())
        (tmp_path / "library.lib").write_text(generic.text)
        log = path.parent / "map.log"
        return time_netlist(netlist, blocks_of(netlist, generic), clock_ns, tmp_path, log)

    return at


@pytest.mark.skipif(find_opensta() is None, reason="OpenSTA is not installed (package opensta)")
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
