"""The files of a LibreLane project, read by others' tools, and what the command says."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gaincell.cli import main
from gaincell.config import PRESETS, HeadConfig
from gaincell.hdl.verilog import TOP as CONTROL
from gaincell.hdl.verilog import head_verilog
from gaincell.layout.floorplan.draw import ARRAYS
from gaincell.layout.floorplan.flow import lay_out_arrays
from gaincell.layout.floorplan.ports import head_ports
from gaincell.layout.klayout import db
from gaincell.layout.librelane.project import TOP, write_project
from gaincell.spice.design import load_design
from gaincell.synth.library.liberty_file import load_library
from gaincell.synth.steps.opensta import find_opensta, run_opensta
from gaincell.synth.steps.yosys import run_yosys

SMALL = Path(__file__).parents[1] / "synth" / "small.lib"
CHECK = Path(__file__).with_name("librelane_check.py")
TECHNOLOGY = """VERSION 5.7 ;
UNITS DATABASE MICRONS 1000 ; END UNITS
MANUFACTURINGGRID 0.005 ;
{layers}
END LIBRARY
"""
LAYER = """LAYER {name}
  TYPE ROUTING ;
  DIRECTION HORIZONTAL ;
  PITCH 0.5 ;
  WIDTH 0.14 ;
END {name}"""
LATE = 2
HEADS = {
    "tiny": PRESETS["tiny"],
    "late": HeadConfig(
        head_dim=3, window=8, columns=4, sink=1, schedule="paired", late_cycles=LATE, clock_s=2e-9
    ),
}


@pytest.fixture(scope="module", params=HEADS)
def head(request):
    return HEADS[request.param]


@pytest.fixture(scope="module")
def ports(head):
    return head_ports(head_verilog(head), CONTROL)


@pytest.fixture(scope="module")
def bits(ports):
    """Direction by bit of the arrays' ports, as the macro sees them."""
    arrays = [port.other_side for port in ports if port.of_arrays]
    return {bit: port.direction for port in arrays for bit in port.bits}


@pytest.fixture(scope="module")
def project(head, ports, process, tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    write_project(
        folder,
        config=head,
        verilog=head_verilog(head),
        control=CONTROL,
        ports=ports,
        arrays=lay_out_arrays(head, load_design(process.design), process, ports),
        library=load_library(SMALL, node_nm=45),
        clock_ns=4.0,
        control_um2=15_000.0,
        version="0",
    )
    return folder


@pytest.fixture(scope="module")
def macro(project, tmp_path_factory):
    """The LEF as KLayout reads it."""
    technology = tmp_path_factory.mktemp("lef") / "technology.lef"
    names = ("li1", "met1", "met2", "met3", "met4")
    layers = "\n".join(LAYER.format(name=name) for name in names)
    technology.write_text(TECHNOLOGY.format(layers=layers))
    layout, options = db().Layout(), db().LoadLayoutOptions()
    options.lefdef_config.macro_resolution_mode = 2
    options.lefdef_config.lef_files = [str(technology)]
    options.lefdef_config.read_lef_with_def = False
    layout.read(str(project / f"{ARRAYS}.lef"), options)
    return layout


def shapes(macro, name):
    """Shapes of the LEF's layer of this name."""
    index = next(each for each in macro.layer_indexes() if macro.get_info(each).name == name)
    return macro.cell(ARRAYS).shapes(index)


def test_lef_has_a_pin_for_each_bit_where_the_gds_has_it(project, macro, bits):
    gds = db().Layout()
    gds.read(str(project / f"{ARRAYS}.gds"))
    top = gds.top_cell()
    assert top.name == ARRAYS
    found = {}
    for metal, number in (("met2", 69), ("met4", 71)):
        drawn = db().Region(top.shapes(gds.layer(number, 16)))
        assert not drawn.is_empty()
        assert (drawn ^ db().Region(shapes(macro, f"{metal}.PIN"))).is_empty()
        assert (drawn - db().Region(top.begin_shapes_rec(gds.layer(number, 20)))).is_empty()
        places = {}
        for each in top.shapes(gds.layer(number, 5)).each():
            places.setdefault(each.text.string, []).append(each.text.x)
        for each in shapes(macro, f"{metal}.LABEL").each():
            assert each.text.x in places[each.text.string]
        found[metal] = sorted(places)
        assert found[metal] == sorted(
            {e.text.string for e in shapes(macro, f"{metal}.LABEL").each()}
        )
    assert found == {"met2": sorted(bits), "met4": ["VGND", "VPWR"]}


def test_obstructions_cover_the_drawing_and_leave_the_pins(macro):
    outline = macro.cell(ARRAYS).bbox()
    for metal in ("met2", "met4"):
        pins = db().Region(shapes(macro, f"{metal}.PIN"))
        blocked = db().Region(shapes(macro, f"{metal}.OBS"))
        assert (pins.sized(300) & blocked).is_empty()
        free = db().Region(outline) - blocked - pins.sized(1000)
        assert free.area() < 0.02 * outline.area()
    for metal in ("li1", "met1", "met3"):
        (block,) = shapes(macro, f"{metal}.OBS").each()
        assert block.box == outline


@pytest.mark.needs("synth")
def test_verilog_and_liberty_have_the_same_ports_for_yosys(project, bits, ports, tmp_path):
    for file in project.iterdir():
        shutil.copy(file, tmp_path)
    script = f"""read_verilog {ARRAYS}.vh {CONTROL}.v {TOP}.v
hierarchy -check -top {TOP}
proc
write_json verilog.json
design -reset
read_liberty -lib {ARRAYS}.lib
write_json liberty.json
"""
    run_yosys(script, tmp_path, "read")
    modules = json.loads((tmp_path / "verilog.json").read_text())["modules"]
    cells = json.loads((tmp_path / "liberty.json").read_text())["modules"]
    for module in (modules[ARRAYS], cells[ARRAYS]):
        found = {}
        for name, port in module["ports"].items():
            width = len(port["bits"])
            vector = f"{name}[0]" in bits
            names = [f"{name}[{at}]" for at in range(width)] if vector else [name]
            found |= dict.fromkeys(names, port["direction"])
        assert {bit: way for bit, way in found.items() if bit in bits} == bits
        assert len(found) == len(bits)
    outer = {port.name for port in ports if not port.of_arrays}
    assert modules[TOP]["ports"].keys() == outer
    joined = modules[TOP]["cells"]
    for name in modules[ARRAYS]["ports"]:
        one, other = (joined[each]["connections"][name] for each in ("control", "arrays"))
        assert one == other


STA = """\
read_liberty cells.lib
read_liberty {arrays}.lib
read_verilog top.v
link_design top
create_clock -name clk -period 40 [get_ports clk]
set_input_delay 0 -clock clk [get_ports a]
set_output_delay 0 -clock clk [all_outputs]
report_checks -to [get_ports pulse] -digits 4
report_checks -to [get_ports other] -digits 4
report_lib_cell {arrays}
exit
"""
NETLIST = """\
module top (clk, a, pulse, other);
input clk;
input a;
output [{high}:0] pulse;
output other;
{arrays} arrays (.array_v_convert({enable}), .array_pulse(pulse));
BUF4 buffer (.A(a), .Y(other));
endmodule
"""
ARRIVAL = re.compile(r"^ +(\d+\.\d+) +data arrival time", re.MULTILINE)
PIN = re.compile(r"^ (\w+)(?:\[(\d+):0\])? (input|output)( [\d.]+)?$", re.MULTILINE)


@pytest.mark.needs("opensta")
def test_opensta_reads_a_buffers_delay_behind_the_converters(project, head, ports, bits, tmp_path):
    """A path through the macro beside one through the library's largest buffer."""
    shutil.copy(project / f"{ARRAYS}.lib", tmp_path)
    (tmp_path / "cells.lib").write_text(load_library(SMALL, node_nm=45).text)
    width = {port.name: port.width for port in ports}
    enables = ", ".join(["a"] * width["array_v_convert"])
    enable = f"{{{enables}}}" if "array_v_convert[0]" in bits else "a"
    netlist = NETLIST.format(arrays=ARRAYS, high=width["array_pulse"] - 1, enable=enable)
    (tmp_path / "top.v").write_text(netlist)
    printed, _ = run_opensta(find_opensta(), STA.format(arrays=ARRAYS), tmp_path, "read")
    pulse, other = map(float, ARRIVAL.findall(printed))
    assert 0 < other < 0.1
    assert pulse == pytest.approx(other + head.late_cycles * head.clock_s * 1e9, abs=2e-4)
    found = {}
    for name, high, way, farads in PIN.findall(printed):
        names = [f"{name}[{bit}]" for bit in range(int(high) + 1)] if high else [name]
        found |= dict.fromkeys(names, way)
        assert farads == (" 1.00" if way == "input" else "")  # BUF's input, fF
    assert found == bits
    assert "not found" not in printed


def test_the_files_fit_together(project, head, bits):
    config = json.loads((project / "config.json").read_text())
    macro = config["MACROS"][ARRAYS]
    files = [*config["VERILOG_FILES"], *macro["gds"], *macro["lef"], *macro["vh"]]
    files += [*macro["lib"]["*"], config["PNR_SDC_FILE"], config["SIGNOFF_SDC_FILE"]]
    for file in files:
        assert (project / file.removeprefix("dir::")).stat().st_size
    size = re.search(r"SIZE (\S+) BY (\S+) ;", (project / f"{ARRAYS}.lef").read_text())
    x, y = macro["instances"]["arrays"]["location"]
    left, low, right, high = config["CORE_AREA"]
    assert x == left
    assert x + float(size[1]) == pytest.approx(right)
    assert y + float(size[2]) == pytest.approx(high)
    below = (y - low) * (right - left)
    assert below > 15_000 / 0.45
    text = (project / "constraints.sdc").read_text()
    waits = [line.split()[1:3] for line in text.splitlines() if "multicycle" in line]
    late = head.late_cycles
    assert waits == ([[f"{late + 1}", "-setup"], [f"{late}", "-hold"]] if late else [])
    assert "was not run here" in (project / "README.md").read_text()


@pytest.mark.needs("librelane")
@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({}, ""),
        ({"DIE_AREAS": [0, 0, 1, 1]}, "DIE_AREAS"),
        ({"DIE_AREA": [0, 0, 1]}, "DIE_AREA"),
        ({"VERILOG_FILES": ["dir::none.v"]}, "none.v"),
    ],
)
def test_librelane_accepts_the_configuration(project, tmp_path, change, complaint):
    """LibreLane's own check, and what it says to three planted errors."""
    copy = tmp_path / "project"
    shutil.copytree(project, copy)
    file = copy / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    program = Path(shutil.which("librelane")).read_text().splitlines()[0].removeprefix("#!")
    run = subprocess.run(
        [program, CHECK, file], capture_output=True, text=True, timeout=120, cwd=tmp_path
    )
    assert (run.returncode == 0) == (not complaint), run.stderr
    assert complaint in run.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "nothing is to be written: give --output, --librelane, or both"),
        (["--librelane", "project", "--prove"], "--tokens, --prove and --route need --output"),
        (["--librelane", "."], "output . exists already"),
        (["--librelane", "a", "-o", "a"], "--librelane is a, but --output names that too"),
        (["--librelane", "none/project"], "there is no folder none"),
        (["--librelane", "project", "--clock-ns", "0.1"], "--clock-ns is 0.1"),
        (["--librelane", "project"], "no library is given"),
        (["--librelane", "project", "--liberty", str(SMALL)], "has no cell of sky130_fd_sc_hd"),
    ],
)
def test_wrong_input_is_one_sentence(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PDK_ROOT", raising=False)
    assert main(["layout", "--config", "tiny", *words]) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.needs("synth", "shared")
def test_the_command_maps_the_control_and_writes_a_project(shared_file, tmp_path, capsys):
    output = tmp_path / "project"
    library = str(shared_file("sky130hd_tt.lib.gz"))
    words = ["--config", "tiny", "--liberty", library, "--librelane", str(output)]
    assert main(["layout", *words]) == 0
    said = capsys.readouterr().out
    assert "the flow was not run here" in said
    files = {each.name for each in output.iterdir()}
    assert files >= {"config.json", "README.md", f"{ARRAYS}.lef", f"{ARRAYS}.lib"}
