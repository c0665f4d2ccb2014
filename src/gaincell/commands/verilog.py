"""``gaincell verilog``: the Verilog of a head's or a core's control, and a testbench for it."""

import argparse
import os
from pathlib import Path

from gaincell.commands.options.common import add_output, add_seed, check_least
from gaincell.commands.options.design import add_design, design_of
from gaincell.core.config import CoreConfig, core_of
from gaincell.files import check_writable, replacing
from gaincell.refusals import refusing
from gaincell.text import file_size

MOST_TOKENS = 1 << 20
"""Each token is a line of the testbench."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_design(parser)
    add_output(parser, "Verilog file to write", required=True)
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
        "--async-reset", action="store_true", help="rst acts at once instead of at a clock edge"
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
    from gaincell.hdl.identifiers import check_identifier
    from gaincell.hdl.verilog import head_verilog
    from gaincell.synth.gated_verilog import ClockGate, gated_verilog
    from gaincell.synth.steps.yosys import find_yosys

    output, testbench = arguments.output, arguments.testbench
    gate = None
    with refusing():
        config = design_of(arguments)
        name = arguments.name
        if name is None:
            name = "gaincell_head" if arguments.core is None else "gaincell_core"
        check_identifier(name)
        if arguments.clock_gate is not None:
            gate = ClockGate.parse(arguments.clock_gate)
            find_yosys()
        _check_testbench(arguments, core_of(config))
        check_writable(output)
        if testbench is not None:
            check_writable(testbench)
    text = head_verilog(config, name, reset="async" if arguments.async_reset else "sync")
    if gate is not None:
        text = gated_verilog(text, gate)
    if testbench is None:
        with replacing(output) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
    else:
        from gaincell.cocotb_tests.plain.plain_testbench import plain_testbench

        names = os.path.relpath(output, testbench.parent), testbench.name
        bench = plain_testbench(config, arguments.tokens, arguments.seed or 0, names, name)
        with replacing(output) as unfinished, replacing(testbench) as unfinished_testbench:
            unfinished.write_text(text, encoding="utf-8")
            unfinished_testbench.write_text(bench, encoding="utf-8", errors="surrogateescape")
    print(f"{output}: {file_size(output)}, module {name}")
    if testbench is not None:
        print(f"{testbench}: {file_size(testbench)}, how to run it is in its first lines")
    return 0


def _check_testbench(arguments: argparse.Namespace, core: CoreConfig) -> None:
    """Raise ValueError unless the testbench's options fit together."""
    if arguments.testbench is not None and core.in_beats:
        raise ValueError(
            f"--testbench is {arguments.testbench}, but there is none for streams in beats; "
            "gaincell cosim --core tests them"
        )
    for option, value in (("--tokens", arguments.tokens), ("--seed", arguments.seed)):
        if value is not None and arguments.testbench is None:
            raise ValueError(f"{option} is {value}, but means nothing without --testbench")
    check_least(arguments, 1, "tokens", most=MOST_TOKENS)
    check_least(arguments, 0, "seed")
    output, testbench = arguments.output, arguments.testbench
    if testbench is not None and testbench.resolve() == output.resolve():
        raise ValueError(f"--testbench is {testbench}, but must not be the same file as --output")
