from pathlib import Path

import pytest

from gaincell.synth.library.liberty_file import load_library

FLOP = """
  cell (FF) { area : 5; ff (IQ, IQN) { next_state : "D"; clocked_on : "CK"; }
    pin (D) { direction : input; capacitance : 2; }
    pin (CK) { direction : input; clock : true; capacitance : 1; }
    pin (Q) { direction : output; function : "IQ"; } }
"""


@pytest.fixture
def library_of(tmp_path: Path):
    """Reads a library of a flop and of the text given, in ns, fF, V and nW unless told."""

    def read(body: str = "", *, name: str = "made", header: str | None = None, flop: str = FLOP):
        if header is None:
            header = (
                'time_unit : "1ns"; voltage_unit : "1V"; leakage_power_unit : "1nW"; '
                "capacitive_load_unit (1, ff); nom_voltage : 1.1; nom_temperature : 25;"
            )
        path = tmp_path / f"{name}.lib"
        path.write_text(f"library ({name}) {{ {header} {flop} {body} }}")
        return load_library(path)

    return read
