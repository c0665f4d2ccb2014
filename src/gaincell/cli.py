"""The command line: the table of all commands, its parser and its exit statuses.

Exit status 0: the command did its work. 1: the head gave a wrong output or broke a rule. 2: the
input is wrong. 3: the environment hinders it: a missing tool, a full disk, no network. One sentence
says which. 70: a fault of gaincell, with its traceback. 130: the user interrupted it. 143: it was
told to end (128 and the number of the signal).
"""

import argparse
import sys
import textwrap
import traceback
from collections.abc import Sequence
from types import ModuleType

import gaincell
from gaincell.commands import (
    bench_gpu,
    characterise,
    codes,
    config,
    convert,
    cosim,
    demo,
    demo_ml,
    estimate,
    evaluate,
    export,
    finetune,
    floorplan,
    generate,
    layout,
    ledger,
    part,
    perplexity,
    replay,
    report,
    sweep,
    synth,
    tile,
    tokens,
    verilog,
)
from gaincell.commands.options.apart import check_apart
from gaincell.refusals import Failed, Refused, Unable, first_line, refusing
from gaincell.system.console import Ended, discard_unwritable, ending_on_signals, prepare_streams
from gaincell.system.usage import Parser
from gaincell.tables import nearest

GROUPS: dict[str, dict[str, tuple[ModuleType, str]]] = {
    "hardware": {
        "config": (config, "print a configuration and the values that follow from it"),
        "verilog": (verilog, "write the Verilog of a head's digital control"),
        "cosim": (cosim, "simulate the Verilog with the arrays and compare all outputs"),
    },
    "silicon": {
        "synth": (synth, "map a head to a cell library: area, timing, power, energy"),
        "layout": (layout, "place a head in sky130: wires, timing, power, DEF, GDS, picture"),
        "characterise": (
            characterise,
            "simulate a design's transistors: response, retention, noise",
        ),
        "replay": (replay, "run a design's transistors on the wires of a head's Verilog"),
        "floorplan": (floorplan, "put a head's arrays and its placed control into one GDS"),
        "part": (part, "draw a converter or driver and check it against its netlist"),
        "tile": (tile, "draw a sub-tile of gain cells and check it against its netlist"),
        "estimate": (estimate, "estimate area, time and energy of heads beside the paper's"),
    },
    "models": {
        "convert": (convert, "convert a language model: its attention moves to the arrays"),
        "tokens": (tokens, "write the tokens of a text to a file for fine-tuning"),
        "finetune": (finetune, "train a model on the arrays, as a run file says"),
        "perplexity": (perplexity, "score a language model, converted or not, on a text"),
        "evaluate": (evaluate, "compare a model with its baselines on texts and lm-eval tasks"),
        "codes": (codes, "write the codes of a converted model's heads, for cosim"),
        "generate": (generate, "generate text with a converted model, chosen heads in Verilog"),
    },
    "results": {
        "export": (export, "write a head as files of AccelForge, ZigZag or LLMServingSim"),
        "report": (report, "write one HTML page about a head and language models on it"),
        "sweep": (sweep, "measure many heads on a cluster: a table, pictures and a page"),
        "ledger": (ledger, "compare published figures with ours: the paper's and others'"),
        "bench-gpu": (bench_gpu, "time attention of one token on a GPU beside published figures"),
        "demo": (demo, "take one head of a language model from config to pictures"),
        "demo-ml": (demo_ml, "train a small language model and convert it in every way"),
    },
}
"""Module and summary of each command, by group: parser, help and reference come from it."""

FAULT = 70
"""Exit status of a fault of gaincell itself."""

LIKE = 0.6
"""Likeness from which on an unknown option is taken for a mistyped one."""
COLUMNS = 80
"""Width of a terminal in which the help fits."""

COMMANDS = {name: entry for group in GROUPS.values() for name, entry in group.items()}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    prepare_streams()
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        with ending_on_signals():
            try:
                return _run(words)
            finally:
                sys.stdout.flush()
    except SystemExit:  # of argparse, which has said why
        raise
    except BaseException as error:
        discard_unwritable()
        status, sentence = verdict(error)
        if status == FAULT:
            traceback.print_exc()
        print(f"gaincell: {sentence}", file=sys.stderr)
        return status


def verdict(error: BaseException) -> tuple[int, str]:
    """Exit status of a command that ``error`` ended, and what the user reads."""
    match error:
        case Refused() | Failed() | Unable():
            return error.status, str(error)
        case KeyboardInterrupt():
            return 130, "interrupted"
        case Ended():
            return error.status, f"ended by {error}"
        case OSError():
            place = f"{error.filename}: " if error.filename else ""
            return 3, f"{place}{first_line(error)}"
        case MemoryError():
            return 3, "the memory of this machine is too small for this"
    return FAULT, "this is a fault of gaincell; please report the lines above"


def _run(words: list[str]) -> int:
    parser, by_name = parsers()
    if words and not words[0].startswith("-") and words[0] not in COMMANDS:
        parser.error(_unknown(words[0]))
    arguments, unknown = parser.parse_known_args(words)
    if unknown:
        by_name[arguments.command].error(_unknown_words(unknown, by_name[arguments.command]))
    with refusing():
        check_apart(arguments)
    status: int = COMMANDS[arguments.command][0].run(arguments)
    return status


def parsers() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The parser of ``gaincell``, and the parser of each command by its name."""
    parser = Parser(
        prog="gaincell",
        usage="gaincell [-h] [--version] command ...",
        description=f"{textwrap.fill(gaincell.__doc__ or '', COLUMNS)}\n\n{_grouped()}",
        epilog="gaincell COMMAND --help describes one command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"gaincell {gaincell.__version__}")
    # The description lists the commands: argparse itself cannot group them.
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="command", prog="gaincell", help=argparse.SUPPRESS
    )
    by_name: dict[str, argparse.ArgumentParser] = {}
    for name, (module, summary) in COMMANDS.items():
        by_name[name] = commands.add_parser(name, description=sentence(summary))
        module.add_arguments(by_name[name])
    return parser, by_name


def sentence(summary: str) -> str:
    """A summary of ``GROUPS`` as a sentence."""
    return f"{summary[0].upper()}{summary[1:]}."


def _grouped() -> str:
    """All commands with their summaries, under the names of their groups."""
    width = max(map(len, COMMANDS))
    return "\n\n".join(
        "\n".join(
            [f"{group}:", *(f"  {name:{width}}  {summary}" for name, (_, summary) in table.items())]
        )
        for group, table in GROUPS.items()
    )


def _unknown(name: str) -> str:
    """What a user who mistyped a command's name reads."""
    return f'unknown command "{name}"{nearest(name, COMMANDS)}; known: {", ".join(COMMANDS)}'


def _unknown_words(words: list[str], parser: argparse.ArgumentParser) -> str:
    """What a user reads who gave a command what it does not take."""
    first = words[0].partition("=")[0]
    if not first.startswith("-"):
        return f'"{first}" belongs to no option, and the command takes no more words'
    options = [name for action in parser._actions for name in action.option_strings]
    return f'unknown option "{first}"{nearest(first, options, LIKE)}'


if __name__ == "__main__":
    sys.exit(main())
