"""``gaincell ledger``: the paper's figures beside ours, with computed verdicts."""

import argparse
import json
from pathlib import Path

from gaincell.commands.options.common import add_output
from gaincell.files import check_writable, replacing
from gaincell.refusals import refusing
from gaincell.text import table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--entries",
        type=Path,
        required=True,
        help="TOML file such as docs/evidence/reproduction.toml",
    )
    add_output(parser, "Markdown page to write")
    parser.add_argument(
        "--json",
        dest="data",
        metavar="FILE",
        type=Path,
        help="JSON file for all entries and verdicts",
    )


def run(arguments: argparse.Namespace) -> int:
    # Imported here so that other commands start without loading numpy and the estimate.
    from gaincell.ledger.page import count, page
    from gaincell.ledger.verdict import read_ledger

    with refusing():
        for path in (arguments.output, arguments.data):
            if path is not None:
                check_writable(path)
        ledger = read_ledger(arguments.entries)
    if arguments.output is not None:
        with replacing(arguments.output) as unfinished:
            unfinished.write_text(page(ledger), encoding="utf-8")
    if arguments.data is not None:
        with replacing(arguments.data) as unfinished:
            unfinished.write_text(json.dumps(ledger.as_json(), indent=1) + "\n", encoding="utf-8")
    rows = [(str(verdict), str(number)) for verdict, number in count(ledger.rows).items()]
    print(table([*rows, ("does not add up", str(len(ledger.contradictions)))]))
    return 0
