"""``gaincell synth``: what a head's digital control costs in a library's cells."""

import argparse
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gaincell.config_file import load_config
from gaincell.refusals import Refused, refusing
from gaincell.text import table

if TYPE_CHECKING:
    from gaincell.behavioral.tokens import Tokens
    from gaincell.config import HeadConfig
    from gaincell.synth.library.cells import Library

FIRST_STEP = "1-verilog"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", required=True, help="a preset's name or a TOML file")
    parser.add_argument(
        "--liberty",
        type=Path,
        help="Liberty file, *.lib or *.lib.gz; default: what PDK_ROOT holds, else an estimate",
    )
    parser.add_argument("--clock-ns", type=float, help="clock period; default: the config's")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="folder for all steps and metrics.json"
    )
    parser.add_argument(
        "--no-clock-gating",
        action="store_true",
        help="registers keep their value through multiplexers instead of gated clocks",
    )
    parser.add_argument(
        "--memory",
        choices=("flops", "macro"),
        default="flops",
        help="of what the marks of dropped columns are made; default flops",
    )
    parser.add_argument(
        "--tokens",
        type=int,
        help="tokens that go through the netlist for its activity; default all of the input, "
        "0: no simulation and no power",
    )
    parser.add_argument(
        "--input",
        type=Path,
        help="npz with codes q, k, v; default: shipped codes of a "
        "language model if the config has their shape, else random ones",
    )
    parser.add_argument(
        "--activity", type=Path, help="SAIF of this netlist from an earlier run: do not simulate"
    )
    parser.add_argument("--seed", type=int, default=0, help="of random tokens; default 0")
    parser.add_argument(
        "--prove", action="store_true", help="prove that the netlist does what the Verilog does"
    )


def run(arguments: argparse.Namespace) -> int:
    if find_spec("liberty") is None:
        raise Refused("synthesis needs more packages: pip install 'gaincell[synth]'")
    from gaincell.synth.flow import Flow
    from gaincell.synth.library.pdk import find_library
    from gaincell.synth.saif import WrongActivity
    from gaincell.synth.steps.mapping import MappingOptions
    from gaincell.synth.steps.memory_macro import macro_area_um2
    from gaincell.synth.steps.sdc import check_clock
    from gaincell.synth.steps.yosys import find_yosys

    with refusing():
        config = load_config(arguments.config)
        clock_ns = config.clock_s * 1e9 if arguments.clock_ns is None else arguments.clock_ns
        check_clock(clock_ns)
        tokens, source = _tokens(arguments, config)
        if arguments.activity is not None and not arguments.activity.is_file():
            raise ValueError(f"--activity {arguments.activity} is not a file")
        _check_folder(arguments.output)
        library, estimate = find_library(arguments.liberty)
        if arguments.memory == "macro":
            macro_area_um2(config, library.node_nm)
    find_yosys()
    with refusing():
        _empty_folder(arguments.output)
    options = MappingOptions(
        clock_gating=not arguments.no_clock_gating, memory=arguments.memory, clock_ns=clock_ns
    )
    flow = Flow(config, library, options, arguments.output, estimate, say=_say)
    try:
        metrics = flow.run(tokens, saif=arguments.activity, prove=arguments.prove)
    except WrongActivity as error:
        raise Refused(str(error)) from error
    print(table(result_rows(config, library, metrics, source)))
    print(f"  {arguments.output / 'metrics.json'} has all numbers")
    return 0


def result_rows(
    config: "HeadConfig", library: "Library", metrics: dict[str, Any], source: str
) -> list[tuple[str, str]]:
    """The table of one run."""
    area, timing, power = metrics["area"], metrics["timing"], metrics["power"]
    label = library.label
    if metrics["library"]["estimate"]:
        label = "none: an ESTIMATE from transistor counts at 45 nm; give --liberty for more"
    rows = [
        ("library", label),
        ("area", f"{area['cells_um2']:.0f} um2, {area['cells']} cells, {area['flops']} flops"),
    ]
    if area["memory_macro_um2"] is not None:
        rows.append(("memory macro", f"{area['memory_macro_um2']:.0f} um2 more (estimate)"))
    if "transistors" in area:
        rows.append(("transistors", f"{area['transistors']}"))
    largest = sorted(area["by_block"].items(), key=lambda item: -item[1]["area_um2"])
    rows += [
        (f"  {name}", f"{part['area_um2']:.0f} um2, {part['flops']} flops")
        for name, part in largest
    ]
    rows.append(("timing by", timing["tool"]))
    if timing["slack_ns"] is None:
        rows.append(("", timing["note"]))
    else:
        rows += [
            ("slack", f"{timing['slack_ns']:+.3f} ns at {timing['clock_ns']:g} ns"),
            ("fmax", f"{timing['fmax_mhz']:.0f} MHz" if timing["fmax_mhz"] else "none"),
            ("critical path", timing["path_blocks"]),
        ]
    if "equivalence" in metrics:
        rows.append(("netlist = Verilog", f"proved at {metrics['equivalence']['points']} points"))
    if "gate_level" in metrics:
        tokens = metrics["gate_level"]["tokens"]
        rows.append(("netlist run", f"{tokens} tokens, 0 mismatches; {source}"))
    if power is not None:
        rows += [
            ("power", _power_text(power)),
            ("energy", f"{metrics['energy_per_token_j'] * 1e9:.3f} nJ per token"),
        ]
        if power["unmatched"]:
            rows.append(("without activity", f"{power['unmatched']:.1%} of the nets, as still"))
        if "opensta_cells_w" in power:
            ours, theirs = power["cells_w"] * 1e3, power["opensta_cells_w"] * 1e3
            rows.append(("cells alone", f"{ours:.2f} mW; OpenSTA {theirs:.2f} mW"))
    else:
        rows.append(("power", "not estimated: " + _why_no_power(metrics)))
    return rows


def _why_no_power(metrics: dict[str, Any]) -> str:
    if metrics["library"]["estimate"]:
        return "an estimate knows no energies"
    return "nothing was simulated"


def _power_text(power: dict[str, Any]) -> str:
    parts = ("internal", "net", "leakage", "wires", "clock_tree")
    each = ", ".join(f"{name.replace('_', ' ')} {power[f'{name}_w'] * 1e3:.2f}" for name in parts)
    return f"{power['total_w'] * 1e3:.2f} mW ({each}; the last two estimated)"


def _tokens(arguments: argparse.Namespace, config: "HeadConfig") -> "tuple[Tokens | None, str]":
    from gaincell.behavioral.tokens import load_tokens, typical_tokens

    count = arguments.tokens
    if count is not None and count < 0:
        raise ValueError(f"--tokens is {count}, but must be 0 or above")
    if arguments.seed < 0:
        raise ValueError(f"--seed is {arguments.seed}, but must be 0 or above")
    if count == 0:
        return None, ""
    if arguments.input is not None:
        return load_tokens(arguments.input, config, count), str(arguments.input)
    tokens, source = typical_tokens(config, arguments.seed)
    available = len(tokens)
    if count is not None and count > available:
        raise ValueError(f"--tokens is {count}, but there are {available}: {source}")
    return tokens[:count], source


def _check_folder(folder: Path) -> None:
    """Raise ValueError unless ``folder`` is new, empty or from an earlier run."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"output {folder} is a file, but must be a folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / FIRST_STEP).is_dir():
        raise ValueError(
            f"output {folder} holds files that are not from an earlier run: give a new folder"
        )


def _empty_folder(folder: Path) -> None:
    """Make ``folder`` and remove what an earlier run left in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for step in folder.glob("[1-9]-*"):
            shutil.rmtree(step)
        (folder / FIRST_STEP).mkdir()
        (folder / FIRST_STEP).rmdir()
    except OSError as error:
        raise ValueError(f"output {folder} cannot be written: {error.strerror}") from error


def _say(step: str) -> None:
    print(step, flush=True)
