"""A drawn cell: the switch at the bit line, the read transistor there, or written by rows."""

import pytest
from drawn_cells import READ_AT_LINE

from gaincell.layout.arrays.circuit import gain_cell
from gaincell.layout.process import load_process
from gaincell.spice.design import load_design


@pytest.fixture(scope="session")
def process():
    return load_process("sky130")


@pytest.fixture(scope="session")
def folder(tmp_path_factory, process):
    """Writes a design with other sizes or another netlist."""

    def write(netlist=None, **sizes):
        folder = tmp_path_factory.mktemp("design")
        shipped = load_design(process.design).folder
        settings = (shipped / "design.toml").read_text()
        for name, value in sizes.items():
            before = next(line for line in settings.splitlines() if line.startswith(f"{name} ="))
            settings = settings.replace(before, f"{name} = {value}")
        (folder / "design.toml").write_text(settings)
        own = (shipped / "netlist.sp").read_text()
        (folder / "netlist.sp").write_text(netlist or own)
        return folder

    return write


@pytest.fixture(
    scope="session", params=["switch at the bit line", "read at the bit line", "written by row"]
)
def circuit(request, process, folder):
    netlist = READ_AT_LINE if request.param.startswith("read") else None
    by_row = request.param.endswith("row")
    return gain_cell(load_design(folder(netlist)), process, by_row=by_row)
