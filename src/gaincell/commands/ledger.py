"""``gaincell ledger``: published figures beside ours, with computed verdicts or conversions."""

import argparse
import json
from pathlib import Path
from typing import Any

from gaincell.commands.options.common import add_output
from gaincell.files import check_writable, replacing
from gaincell.refusals import refusing
from gaincell.text import table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--entries",
        type=Path,
        required=True,
        help="TOML file such as docs/evidence/reproduction.toml, of the paper's figures, or "
        "docs/evidence/others.toml, of other accelerators",
    )
    add_output(parser, "Markdown page to write")
    parser.add_argument(
        "--json",
        metavar="FILE",
        type=Path,
        help="JSON file for all entries, with verdicts or conversions",
    )


def run(arguments: argparse.Namespace) -> int:
    with refusing():
        for path in (arguments.output, arguments.json):
            if path is not None:
                check_writable(path)
        counts, page, data = _read(arguments.entries)
    if arguments.output is not None:
        with replacing(arguments.output) as unfinished:
            unfinished.write_text(page, encoding="utf-8")
    if arguments.json is not None:
        with replacing(arguments.json) as unfinished:
            unfinished.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    print(table((name, str(number)) for name, number in counts.items()))
    return 0


def _read(entries: Path) -> tuple[dict[str, int], str, dict[str, Any]]:
    """What to print, the page and the data of a file of either kind."""
    # Imported here so that other commands start without loading numpy and the estimate.
    from gaincell.ledger.figures import read_survey
    from gaincell.ledger.others import holds_systems
    from gaincell.ledger.others_page import others_page
    from gaincell.ledger.page import count, page
    from gaincell.ledger.verdict import read_ledger

    if holds_systems(entries):
        survey = read_survey(entries)
        return survey.count(), others_page(survey), survey.as_json()
    ledger = read_ledger(entries)
    counts = {str(verdict): number for verdict, number in count(ledger.rows).items()}
    counts["does not add up"] = len(ledger.contradictions)
    return counts, page(ledger), ledger.as_json()
