"""The program behind ``benchmarks/gpu_run.sh``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gaincell.files import check_writable, replacing
from gaincell.gpu_run.parts import PARTS, part_of
from gaincell.gpu_run.pieces import LARGEST, gather
from gaincell.gpu_run.places import Places
from gaincell.gpu_run.records import FILE, read_all, read_records
from gaincell.gpu_run.runner import STOPPED, Run
from gaincell.gpu_run.table import table
from gaincell.refusals import Failed, Refused, Unable, refusing

WORK = Path("build/gpu")
RECORDS = Path("docs/evidence/gpu") / FILE


def main(words: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(words)
    try:
        with refusing():
            status: int = arguments.run(arguments)
        return status
    except (Refused, Failed, Unable) as ending:
        print(f"gpu_run: {ending}", file=sys.stderr)
        return ending.status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gpu_run.sh", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="verb")

    def verb(name: str, run: Any, summary: str) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=summary, description=summary)
        made.set_defaults(run=run)
        return made

    made = verb("prepare", _prepare, "model, texts and plan into pieces, where there is no GPU")
    made.add_argument("--model", default="smollm2", help="a folder or .gguf file; default smollm2")
    learned = made.add_mutually_exclusive_group(required=True)
    learned.add_argument("--text", type=Path, nargs="+", help="to fit and train on")
    learned.add_argument(
        "--tokens", type=Path, help="to fit and train on: a token file, windows in mixed order"
    )
    made.add_argument(
        "--scored", nargs="+", required=True, metavar="NAME=FILE", help="texts to score only"
    )
    made.add_argument("--plan", type=Path, help="plan.toml: sizes other than the default ones")
    made.add_argument("--wheels", type=Path, help="folder of wheels to install there")
    made.add_argument("--piece-mb", type=float, default=LARGEST / 1e6)
    made.add_argument("-o", "--output", type=Path, required=True)

    made = verb("unpack", _unpack, "pieces into the working folder, some or all at once")
    made.add_argument("pieces", type=Path, nargs="+", help="folders with pieces and pieces.json")
    _add_work(made)

    made = verb("adopt", _adopt, "the start that calls on another machine kept in their --out")
    made.add_argument("folder", type=Path)
    _add_work(made)

    made = verb("run", _run, "all parts that are not recorded yet")
    _add_work(made)
    made.add_argument("--limit-s", type=float, default=540.0, help="seconds of this call")
    made.add_argument("--grace-s", type=float, default=30.0, help="of these, to stop in the end")
    made.add_argument("--out", type=Path, default=RECORDS.parent, help="for what is to be kept")
    made.add_argument("--again", nargs="+", default=[], metavar="PART", help="run these anew")
    made.add_argument("--only", nargs="+", default=[], metavar="PART", help="run no others")
    made.add_argument("--records", type=Path, default=RECORDS, help="records of earlier calls")

    made = verb("part", _part, "one part, as run does it")
    made.add_argument("name", choices=[part.name for part in PARTS])
    _add_work(made)
    made.add_argument("--left-s", type=float, help="seconds of the call that are left")

    made = verb("status", _status, "which parts are recorded")
    _add_work(made)
    made.add_argument("--records", type=Path, default=RECORDS)

    made = verb("table", _table, "the records as tables of the documentation")
    made.add_argument("--records", type=Path, default=RECORDS)
    made.add_argument("-o", "--output", type=Path, help="default: the terminal")
    return parser


def _add_work(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--work", type=Path, default=WORK, help=f"default {WORK}")


def _prepare(arguments: argparse.Namespace) -> int:
    from gaincell.gpu_run.prepare import prepare

    scored = {}
    for each in arguments.scored:
        name, equal, file = each.partition("=")
        if not equal:
            raise ValueError(f"--scored is {each}, but must be NAME=FILE")
        scored[name] = Path(file)
    pieces = prepare(
        arguments.output,
        model=arguments.model,
        learned=arguments.text or arguments.tokens,
        scored=scored,
        plan=arguments.plan,
        wheels=arguments.wheels,
        largest=int(arguments.piece_mb * 1e6),
    )
    for piece in pieces:
        print(f"{piece}  {piece.stat().st_size / 1e6:.1f} MB")
    return 0


def _unpack(arguments: argparse.Namespace) -> int:
    places = Places(arguments.work)
    missing = gather(arguments.pieces, places.work / "pieces", places.prepared)
    if missing:
        print(f"still missing: {', '.join(missing)}")
    return 0


def _adopt(arguments: argparse.Namespace) -> int:
    from gaincell.gpu_run.work.start import adopt

    adopt(_unpacked(arguments.work), arguments.folder)
    return 0


def _run(arguments: argparse.Namespace) -> int:
    places = _unpacked(arguments.work)
    for name in (*arguments.again, *arguments.only):
        part_of(name)
    call = Run(
        places,
        arguments.out,
        arguments.records,
        arguments.limit_s,
        arguments.grace_s,
        tuple(arguments.again),
        tuple(arguments.only),
    )
    return call.all_parts()


def _part(arguments: argparse.Namespace) -> int:
    from gaincell.gpu_run.work.here import here

    places = replace(_unpacked(arguments.work), left_s=arguments.left_s)
    part = part_of(arguments.name)
    figures = part.work(places)
    if figures is None:
        return STOPPED
    places.write_figures(part.name, here() | {"figures": figures})
    return 0


def _status(arguments: argparse.Namespace) -> int:
    records = read_all([arguments.records, arguments.work / FILE])
    for part in PARTS:
        record = records.get(part.name)
        state = "not run" if record is None else f"{record.state}, {record.device}"
        print(f"{part.name:12}{state}")
    return 0


def _table(arguments: argparse.Namespace) -> int:
    text = table(read_records(arguments.records))
    if arguments.output is None:
        print(text, end="")
        return 0
    check_writable(arguments.output)
    with replacing(arguments.output) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    return 0


def _unpacked(work: Path) -> Places:
    places = Places(work.resolve())
    if not places.prepared.is_dir():
        raise ValueError(f"{work} holds nothing that was prepared: unpack the pieces first")
    return places


if __name__ == "__main__":
    sys.exit(main())
