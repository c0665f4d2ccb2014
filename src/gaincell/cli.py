"""The command line: ``gaincell <command>``.

Exit status 0: done; 1: the head's answers are wrong, or it broke a rule; 2: bad input, or a
missing tool, said in one sentence.
"""

import argparse
import sys
from collections.abc import Sequence

import gaincell
from gaincell.commands import (
    bench_gpu,
    codes,
    config,
    convert,
    cosim,
    demo,
    demo_ml,
    estimate,
    evaluate,
    finetune,
    generate,
    ledger,
    perplexity,
    report,
    synth,
    tokens,
    verilog,
)
from gaincell.refusals import Failed, Refused

COMMANDS = {
    "config": (config, "print a configuration and what follows from it"),
    "verilog": (verilog, "write the Verilog of a head's digital control"),
    "cosim": (cosim, "simulate the Verilog against the arrays and compare"),
    "synth": (synth, "map a head to a cell library: area, timing, power, energy"),
    "estimate": (estimate, "area, time and energy of whole heads beside the paper's"),
    "convert": (convert, "put a language model's attention on the arrays"),
    "tokens": (tokens, "write a text's tokens as a file that fine-tuning reads"),
    "finetune": (finetune, "train a model on the arrays, as a run file says"),
    "perplexity": (perplexity, "score a language model, converted or not, on a text"),
    "evaluate": (evaluate, "compare a model with its baselines on texts and lm-eval's tasks"),
    "codes": (codes, "write what heads of a converted model compute, for cosim"),
    "generate": (generate, "write text with a converted model, chosen heads in Verilog"),
    "report": (report, "write one HTML page about a head and language models on it"),
    "bench-gpu": (bench_gpu, "time attention of one token on a GPU, beside published figures"),
    "ledger": (ledger, "set the paper's figures beside ours, with computed verdicts"),
    "demo": (demo, "do all of it for one head of a language model"),
    "demo-ml": (demo_ml, "train a small language model and put it on the arrays in every way"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = _parser().parse_args(argv)
    try:
        status: int = COMMANDS[arguments.command][0].run(arguments)
    except Refused as refusal:
        print(f"gaincell: {refusal}", file=sys.stderr)
        return 2
    except Failed as failure:
        print(f"gaincell: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("gaincell: interrupted", file=sys.stderr)
        return 130
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gaincell", description=gaincell.__doc__)
    parser.add_argument("--version", action="version", version=f"gaincell {gaincell.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, (module, summary) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=module.__doc__)
        module.add_arguments(command)
    return parser


if __name__ == "__main__":
    sys.exit(main())
