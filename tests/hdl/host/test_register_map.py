"""The register map, and what is made from it: C header, SystemRDL, page of the manual."""

import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from gaincell.config import HeadConfig
from gaincell.core.bus import bus_core
from gaincell.core.config import CoreConfig
from gaincell.hdl.host.axi import ADDRESS_BITS
from gaincell.hdl.host.c_header import c_header
from gaincell.hdl.host.fields import Access
from gaincell.hdl.host.page import page
from gaincell.hdl.host.register_map import REGISTERS
from gaincell.hdl.host.system_rdl import system_rdl

DOCS = Path(__file__).resolve().parents[3] / "docs"
CORE = bus_core(CoreConfig(head=HeadConfig(head_dim=4, window=8, columns=2, sink=1), heads=3))


def test_registers_are_words_in_order_and_fields_do_not_overlap():
    offsets = [register.offset for register in REGISTERS]
    assert all(before < after for before, after in pairwise(offsets))
    assert all(offset % 4 == 0 and offset < 1 << ADDRESS_BITS for offset in offsets)
    assert len({register.name for register in REGISTERS}) == len(REGISTERS)
    for register in REGISTERS:
        masks = [field.mask for field in register.fields]
        assert sum(masks) < 1 << 32
        assert sum(mask.bit_count() for mask in masks) == sum(masks).bit_count()


def test_constants_are_those_of_the_core():
    values = {register.name: register.of(CORE) for register in REGISTERS}
    assert values["heads"] == 3
    assert values["tiles"] == 5
    assert values["widths"] == 4 | 3 << 8 | 3 << 16 | CORE.head.result_width << 24
    assert values["token_bytes"] * values["token_beats"] * 8 >= CORE.token_bits
    assert values["patience"] == CORE.head.retention.patience_cycles
    silent = bus_core(CoreConfig(head=HeadConfig(refresh=False)))
    assert REGISTERS[-1].of(silent) == 0


def test_a_constant_that_is_too_large_is_the_largest_word():
    slow = HeadConfig(window=1, columns=1, retention_s=1e6)
    assert REGISTERS[-1].of(bus_core(CoreConfig(head=slow))) == (1 << 32) - 1


@pytest.mark.parametrize(
    ("compiler", "standard"),
    [
        pytest.param("cc", "c11", marks=pytest.mark.needs("cc")),
        pytest.param("c++", "c++11", marks=pytest.mark.needs("c++")),
    ],
)
def test_the_header_compiles_without_a_warning(tmp_path, compiler, standard):
    (tmp_path / "registers.h").write_text(c_header())
    checks = "\n".join(
        f"_Static_assert(offsetof(struct gaincell_registers, {register.name}) == "
        f'GAINCELL_{register.name.upper()}, "{register.name}");'
        for register in REGISTERS
    )
    masks = "\n".join(
        f"_Static_assert(GAINCELL_{register.name.upper()}_{field.name.upper()} == {field.mask}u, "
        f'"{field.name}");'
        for register in REGISTERS
        if not register.whole
        for field in register.fields
    )
    source = tmp_path / ("driver.c" if compiler == "cc" else "driver.cpp")
    source.write_text(
        f"""#include "registers.h"
#ifdef __cplusplus
#define _Static_assert static_assert
#endif
{checks}
{masks}
uint32_t heads(volatile struct gaincell_registers *core);
uint32_t heads(volatile struct gaincell_registers *core) {{
    core->control = GAINCELL_CONTROL_ENABLE | GAINCELL_CONTROL_START;
    return core->identity == GAINCELL_IDENTITY_VALUE ? core->heads : 0;
}}
"""
    )
    options = [f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    run = subprocess.run(
        [compiler, *options, "-fsyntax-only", source], capture_output=True, text=True, check=False
    )
    assert run.stderr == ""
    assert run.returncode == 0


@pytest.mark.needs("systemrdl")
def test_a_compiler_of_systemrdl_reads_the_same_map(tmp_path):
    from systemrdl import RDLCompiler
    from systemrdl.node import FieldNode, RegNode
    from systemrdl.rdltypes import OnWriteType

    (tmp_path / "core.rdl").write_text(system_rdl(CORE, "my_core"))
    compiler = RDLCompiler()
    compiler.compile_file(str(tmp_path / "core.rdl"))
    top = compiler.elaborate().top
    assert top.inst_name == "my_core"
    found = {node.inst_name: node for node in top.children() if isinstance(node, RegNode)}
    assert found.keys() == {register.name for register in REGISTERS}
    written = {Access.TRIGGER: OnWriteType.woset, Access.STICKY: OnWriteType.woclr}
    for register in REGISTERS:
        node = found[register.name]
        assert node.address_offset == register.offset
        fields = {each.inst_name: each for each in node.children() if isinstance(each, FieldNode)}
        assert fields.keys() == {field.name for field in register.fields}
        for field in register.fields:
            rdl = fields[field.name]
            assert (rdl.low, rdl.width) == (field.low, field.width)
            assert rdl.is_sw_writable == field.access.written
            assert rdl.is_sw_readable
            assert rdl.get_property("onwrite") == written.get(field.access)
            if field.access is not Access.STATUS:
                assert rdl.get_property("reset") == field.of(CORE)


def test_the_page_is_made_from_the_table():
    assert (DOCS / "do" / "registers.md").read_text(encoding="utf-8") == page()
