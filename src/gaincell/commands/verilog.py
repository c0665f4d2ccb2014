"""``gaincell verilog``: the Verilog of a head's or a core's control, and a testbench for it."""

import argparse
import os
from contextlib import ExitStack
from pathlib import Path

from gaincell.commands.options.common import add_output, add_seed, check_least
from gaincell.commands.options.design import add_design, design_of
from gaincell.core.bus import bus_core
from gaincell.core.config import CoreConfig, core_of
from gaincell.files import check_writable, replacing
from gaincell.refusals import refusing
from gaincell.text import file_size

MOST_TOKENS = 1 << 20
"""Each token is a line of the testbench."""
PACKAGE = (".core", ".f", ".sdc", ".h", ".rdl")
"""Suffixes of the files of ``--package``; the last two with ``--bus`` only."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_design(parser)
    add_output(parser, "Verilog file to write", required=True)
    parser.add_argument(
        "--bus",
        choices=("axi",),
        help="a host port around the core: packets on AXI4-Stream, registers on AXI4-Lite",
    )
    parser.add_argument(
        "--package",
        action="store_true",
        help="write beside --output what other tools take: a FuseSoC core file (.core), a file "
        "list (.f), timing constraints (.sdc); with --bus also a C header (.h), SystemRDL (.rdl)",
    )
    parser.add_argument(
        "--testbench",
        type=Path,
        help="write a self-checking testbench too; it needs a simulator, but no Python",
    )
    parser.add_argument(
        "--name",
        help="module, and how others begin; default gaincell_head, of a core gaincell_core",
    )
    parser.add_argument(
        "--async-reset", action="store_true", help="reset acts at once instead of at a clock edge"
    )
    parser.add_argument(
        "--clock-gate",
        metavar="CELL:ENABLE,CLOCK,GATED",
        help="a cell of your library, with its pins, that gates the clocks of wide registers",
    )
    parser.add_argument(
        "--tokens",
        type=int,
        help="tokens in the testbench; default: twice around the window, or fewer if that is long",
    )
    add_seed(parser, "the testbench's tokens and pace", default=None)


def run(arguments: argparse.Namespace) -> int:
    # Imported here so that other commands start without loading the HDL tools.
    from gaincell.hdl.host.verilog import host_verilog
    from gaincell.hdl.identifiers import check_identifier
    from gaincell.hdl.verilog import head_verilog
    from gaincell.synth.gated_verilog import ClockGate, gated_verilog
    from gaincell.synth.steps.yosys import find_yosys

    output, testbench = arguments.output, arguments.testbench
    gate = None
    with refusing():
        config = design_of(arguments)
        core = core_of(config)
        name = arguments.name
        if name is None:
            name = "gaincell_head" if arguments.core is None else "gaincell_core"
        check_identifier(name)
        if arguments.clock_gate is not None:
            gate = ClockGate.parse(arguments.clock_gate)
            find_yosys()
        _check_testbench(arguments, core)
        if arguments.bus is not None:
            if arguments.core is None:
                raise ValueError(f"--bus is {arguments.bus}, but means nothing without --core")
            try:
                bus_core(core)
            except ValueError as error:
                raise ValueError(f"config {arguments.core}: [core] {error}") from error
        if arguments.package and output.suffix != ".v":
            raise ValueError(
                f"--output is {output}, but must end in .v with --package, which names its files "
                "after it"
            )
        paths = _paths(arguments)
        if len({path.resolve() for path in paths}) < len(paths):
            raise ValueError(f"--testbench is {testbench}, but --package writes that file")
        for path in paths:
            check_writable(path)
    reset = "async" if arguments.async_reset else "sync"
    if arguments.bus is None:
        text = head_verilog(config, name, reset=reset)
    else:
        text = host_verilog(core, name, reset=reset)
    if gate is not None:
        text = gated_verilog(text, gate)
    texts = {output: text}
    if testbench is not None:
        from gaincell.cocotb_tests.plain.plain_testbench import plain_testbench

        names = os.path.relpath(output, testbench.parent), testbench.name
        texts[testbench] = plain_testbench(
            config, arguments.tokens, arguments.seed or 0, names, name
        )
    if arguments.package:
        texts |= _package(output, core, name, arguments.bus)
    with ExitStack() as unfinished:
        for path, content in texts.items():
            place = unfinished.enter_context(replacing(path))
            place.write_text(content, encoding="utf-8", errors="surrogateescape")
    print(f"{output}: {file_size(output)}, module {name}")
    if testbench is not None:
        print(f"{testbench}: {file_size(testbench)}, how to run it is in its first lines")
    if arguments.package:
        print(f"{', '.join(str(path) for path in paths if path.suffix in PACKAGE)}: beside it")
    return 0


def _paths(arguments: argparse.Namespace) -> list[Path]:
    """All files that the command writes."""
    paths = [arguments.output]
    if arguments.testbench is not None:
        paths.append(arguments.testbench)
    if arguments.package:
        suffixes = PACKAGE if arguments.bus is not None else PACKAGE[:3]
        paths += [arguments.output.with_suffix(suffix) for suffix in suffixes]
    return paths


def _package(output: Path, core: CoreConfig, name: str, bus: str | None) -> dict[Path, str]:
    """The files of ``--package`` and their texts."""
    from gaincell.exports.fusesoc import file_list, fusesoc_core
    from gaincell.hdl.host.c_header import c_header
    from gaincell.hdl.host.system_rdl import system_rdl
    from gaincell.synth.steps.sdc import constraints

    of_core, of_list, of_sdc, header, registers = map(output.with_suffix, PACKAGE)
    software = [] if bus is None else [header.name, registers.name]
    clock_ns = 1e9 * core.head.clock_s
    texts = {
        of_core: fusesoc_core(name, output.name, of_sdc.name, software),
        of_list: file_list(output.name),
        of_sdc: constraints(clock_ns, port="clk" if bus is None else "aclk"),
    }
    if bus is not None:
        texts |= {header: c_header(), registers: system_rdl(core, name)}
    return texts


def _check_testbench(arguments: argparse.Namespace, core: CoreConfig) -> None:
    """Raise ValueError unless the testbench's options fit together, and with the core."""
    if arguments.testbench is not None and arguments.bus is not None:
        raise ValueError(
            f"--testbench is {arguments.testbench}, but there is none for a core with --bus"
        )
    if arguments.testbench is not None:
        from gaincell.cocotb_tests.plain.plain_testbench import check_refresh_beats

        check_refresh_beats(core)
    for option, value in (("--tokens", arguments.tokens), ("--seed", arguments.seed)):
        if value is not None and arguments.testbench is None:
            raise ValueError(f"{option} is {value}, but means nothing without --testbench")
    check_least(arguments, 1, "tokens", most=MOST_TOKENS)
    check_least(arguments, 0, "seed")
