"""What follows an input within a cycle, and what comes straight from flops."""

import re
from itertools import product
from pathlib import Path

import pytest
from netlists import Netlist

from gaincell.config import READOUT_NAMES, HeadConfig
from gaincell.schedule import SCHEDULES

PAGE = Path(__file__).parents[2] / "docs" / "understand" / "hardware.md"
CODES = {"array_k_write_code", "array_v_write_code"}
SMALL = {"head_dim": 2, "window": 4, "columns": 2, "sink": 1, "retention_s": 5e-3}
KINDS = list(product(READOUT_NAMES, SCHEDULES, (True, False)))


def told_paths() -> set[tuple[str, str]]:
    """The table of the page: inputs in its first column, outputs in its second."""
    table = PAGE.read_text().partition("## Combinational paths")[2].partition("\n## ")[0]
    rows = [line.split("|")[1:3] for line in table.splitlines() if line.startswith("| `")]
    names = [[re.findall(r"`(\w+)`", cell) for cell in row] for row in rows]
    return {pair for inputs, outputs in names for pair in product(inputs, outputs)}


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: "-".join(map(str, kind)))
def head(request: pytest.FixtureRequest) -> tuple[HeadConfig, Netlist]:
    readout, schedule, refresh = request.param
    config = HeadConfig(**SMALL, readout=readout, schedule=schedule, refresh=refresh)
    return config, Netlist(config)


def test_the_page_names_every_path_from_port_to_port(head):
    config, netlist = head
    assert set(netlist.paths()) == (told_paths() if config.refresh else set())


def test_no_stream_is_ready_because_of_what_it_offers(head):
    streams = ("token", "refresh_response")
    assert not {
        (source, target)
        for source, target in head[1].paths()
        for stream in streams
        if source.startswith(stream) and target == f"{stream}_ready"
    }


def test_every_wire_to_the_arrays_but_the_codes_is_a_flop(head):
    _, netlist = head
    wires = {name for name in netlist.outputs if name.startswith("array_")}
    assert len(wires) == 17
    assert wires - netlist.outputs_from_flops() == CODES


def test_a_gate_is_told_from_a_flop(head):
    _, netlist = head
    assert "token_ready" not in netlist.outputs_from_flops()
