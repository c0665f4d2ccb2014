"""Areas from the sizes of transistors and capacitors, held against sums by hand."""

from pathlib import Path

import pytest

from gaincell.spice.area import LAYOUT, areas
from gaincell.spice.design import load_design

NETLIST = """
.subckt cell bl wl wlb wbl wwl s vdd vss
mw wbl wwl s vss N w={w_write} l=100e-9
cs s vss {c_store}
xr s bl vss half
xq s bl vss half
.ends
.subckt half s bl vss
mn bl s vss vss N w={2*w_write} l=200e-9 m=3
.ends
"""
SETTINGS = """
[design]
about = "for a test"
node_nm = 45
models = "none.spi"
diffusion = 120e-9
cell_v = 0.9
logic_v = 0.9
full_scale_v = 0.9
write_on_v = 1.7
bit_line_v = 0.45
[sizes]
w_write = 90e-9
c_store = 4e-15
"""


def design(folder: Path, settings: str = SETTINGS):
    (folder / "netlist.sp").write_text(NETLIST)
    (folder / "design.toml").write_text(settings)
    return load_design(folder)


def test_copies_and_inner_subcircuits_count(tmp_path):
    found = areas(design(tmp_path))["cell"]
    own = (0.1 + 0.24) * (0.09 + 0.12)
    half = 3 * (0.2 + 0.24) * (0.18 + 0.12)
    assert found["transistors_um2"] == pytest.approx(own + 2 * half)
    assert found["capacitors_f"] == pytest.approx(4e-15)


def test_a_capacitor_lies_over_transistors_or_beside_them(tmp_path):
    found = areas(design(tmp_path))["cell"]
    assert found["low_um2"] == pytest.approx(max(LAYOUT[0] * found["transistors_um2"], 2.0))
    assert found["high_um2"] == pytest.approx(LAYOUT[1] * found["transistors_um2"] + 2.0)


def test_without_a_length_of_sources_and_drains_there_is_no_area(tmp_path):
    assert areas(design(tmp_path, SETTINGS.replace("diffusion = 120e-9\n", ""))) is None


def test_refuses_a_size_that_the_design_does_not_have(tmp_path):
    with pytest.raises(ValueError, match='unknown name "c_store"'):
        areas(design(tmp_path, SETTINGS.replace("c_store = 4e-15\n", "")))


def test_the_rule_holds_the_two_layouts_that_it_comes_from():
    inverter = (0.05 + 0.24) * ((0.415 + 0.12) + (0.63 + 0.12))
    assert 0.532 / inverter == pytest.approx(LAYOUT[0], abs=0.05)
    ends = 2 * 0.29
    cell = (0.5 + ends) * ((0.42 + 0.29) + (0.84 + 0.29) + (0.42 + 0.29)) + (0.15 + ends) * (
        (0.84 + 0.29) + (0.42 + 0.29)
    )
    assert 10.30 / cell == pytest.approx(LAYOUT[1], abs=0.05)
