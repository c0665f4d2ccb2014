from pathlib import Path

import pytest

from gaincell.hdl.verilog import head_verilog
from gaincell.synth.library.liberty_file import load_library
from gaincell.synth.library.pdk import generic_library
from gaincell.synth.netlist import read_netlist
from gaincell.synth.steps.mapping import TOP, MappingOptions, map_head

NODE_NM = {"nangate45_typ": 45, "sky130hd_tt": 130, "sg13g2_typ": 130}
"""Of the real libraries."""


@pytest.fixture(scope="session")
def generic():
    return generic_library()


@pytest.fixture(scope="session")
def small_file():
    """A library of our own with tables, in all that a real one has."""
    return Path(__file__).with_name("small.lib")


@pytest.fixture(scope="session")
def small(small_file):
    return load_library(small_file)


@pytest.fixture(scope="session")
def real_library(shared_file):
    """Loads a real library by name, or skips where it is not at hand."""
    loaded = {}

    def load(name):
        path = shared_file(f"{name}.lib.gz")
        return loaded.setdefault(name, load_library(path, node_nm=NODE_NM[name]))

    return load


@pytest.fixture(scope="session")
def mapped(tmp_path_factory):
    """Maps a config to a library: netlist, the file it comes from, RTL; kept for the session."""
    kept = {}

    def map_to(library, config, **options):
        key = library.name, config, tuple(sorted(options.items()))
        if key not in kept:
            folder = tmp_path_factory.mktemp("mapped")
            rtl = head_verilog(config)
            path = map_head(rtl, library, MappingOptions(**options), folder)
            kept[key] = read_netlist(path, TOP), path, rtl
        return kept[key]

    return map_to
