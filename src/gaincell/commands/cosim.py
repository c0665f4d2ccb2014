"""``gaincell cosim``: tokens through the Verilog and the arrays, compared with the contract."""

import argparse
from pathlib import Path

import numpy as np

from gaincell.cocotb_tests.run.simulators import SIMULATORS
from gaincell.commands.options.common import add_seed, check_least
from gaincell.commands.options.design import add_design, design_of
from gaincell.commands.options.inputs import add_input, tokens_of
from gaincell.commands.shown.cosim import report_difference, result_rows, save_results
from gaincell.files import check_writable
from gaincell.refusals import refusing
from gaincell.text import table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_design(parser)
    add_input(parser)
    parser.add_argument("--output", type=Path, help="npz for y, latency_cycles and events")
    add_seed(parser, "random tokens, power-up states and memory waits")
    parser.add_argument(
        "--idle", type=int, default=0, help="cycles for which every query is held back; default 0"
    )
    parser.add_argument(
        "--memory-wait",
        type=int,
        default=0,
        help="cycles the memory takes at most to answer a refresh request; default 0",
    )
    parser.add_argument(
        "--waves", type=Path, help="waveform to write, *.vcd or *.fst (Icarus: *.fst)"
    )
    parser.add_argument(
        "--simulator",
        choices=tuple(SIMULATORS),
        default=next(iter(SIMULATORS)),
        help=f"simulator of the Verilog; default {next(iter(SIMULATORS))}",
    )
    parser.add_argument(
        "--transport",
        choices=("fast", "per-ns"),
        default="fast",
        help="fast: once per token; per-ns: every wire in every cycle, the reference; default fast",
    )


def run(arguments: argparse.Namespace) -> int:
    # Imported here so that other commands start without loading the simulator's tools.
    from gaincell.cocotb_tests.run.build import build
    from gaincell.cocotb_tests.run.compare import compare
    from gaincell.cocotb_tests.run.simulate import (
        LONGEST_MEMORY,
        Memory,
        WavesLost,
        check_waits,
        simulate,
    )

    with refusing():
        config = design_of(arguments)
        tokens = tokens_of(arguments, config)
        check_waits("--idle", np.array([arguments.idle], dtype=object))
        idle = np.full((len(tokens), *tokens.query_axes), arguments.idle)
        check_least(arguments, 0, "memory_wait", most=LONGEST_MEMORY)
        waves = _waves_format(arguments.waves, arguments.simulator)
        for path in (arguments.output, arguments.waves):
            if path is not None:
                check_writable(path)
    simulation = build(
        config,
        simulator=arguments.simulator,
        waves=waves,
        progress=True,
    )
    lost: Exception | None = None
    try:
        simulated = simulate(
            simulation,
            tokens,
            config,
            transport=arguments.transport,
            idle=idle,
            memory=Memory(slowest_cycles=arguments.memory_wait),
            seed=arguments.seed,
            waves=arguments.waves,
            progress=True,
        )
    except WavesLost as loss:
        simulated, lost = loss.simulated, loss
    if arguments.output is not None:
        try:
            save_results(arguments.output, simulated)
        except OSError as error:
            lost = error
    comparison = compare(tokens, simulated, config)
    print(table(result_rows(simulation.verilog, simulated, comparison)))
    if lost is not None and comparison.first_difference is None:
        raise lost
    return report_difference(comparison)


def _waves_format(path: Path | None, simulator: str) -> str | None:
    if path is None:
        return None
    if path.suffix not in (".vcd", ".fst"):
        raise ValueError(f"--waves is {path}, but its name must end in .vcd or .fst")
    record = SIMULATORS[simulator]
    if path.suffix[1:] not in record.wave_formats:
        formats = " or ".join(f".{name}" for name in record.wave_formats)
        raise ValueError(f"--waves is {path}, but {record.title} writes {formats} here")
    return path.suffix[1:]
