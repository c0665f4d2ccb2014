"""Results of the benchmark on layers, and the tables made from them."""

import json
from pathlib import Path

from gaincell.data.layers import COUNTS, STARTS, order_of, ratios, table

TABLES = Path(__file__).parents[1] / "docs" / "evidence" / "tables"
RESULTS = {
    "alone": {
        "0": {"nats": 0.03, "error": 0.002},
        "1": {"nats": 0.001, "error": 0.0002},
        "10": {"nats": 0.01, "error": 0.003},
    },
    "stock": 20.0,
    "curves": {"recent": {"2": 20.5, "6": 21.0}, "ranges": {"2": 400.0}},
}


def test_layers_are_in_order_of_cost():
    assert order_of(RESULTS) == [1, 10, 0]


def test_curves_are_ratios_to_the_stock_model():
    assert ratios(RESULTS, "recent") == {2: 1.025, 6: 1.05}
    assert ratios(RESULTS, "arrays") == {}


def test_tables_are_markdown_and_say_what_was_not_run():
    alone, curves = table(RESULTS).rstrip().split("\n\n")
    assert alone.splitlines()[2:] == [
        "| 1 | 1 | 0.0010 ± 0.0002 | 0.0010 |",
        "| 2 | 10 | 0.0100 ± 0.0030 | 0.0110 |",
        "| 3 | 0 | 0.0300 ± 0.0020 | 0.0410 |",
    ]
    lines = curves.splitlines()
    assert lines[0] == f"| layers on the arrays | {' | '.join(STARTS.values())} |"
    assert lines[2] == "| 2 | 1.025 x | not run | 20 x |"
    assert lines[4] == "| 12 | not run | not run | not run |"
    assert len(lines) == 2 + len(COUNTS)


def test_the_page_of_the_documentation_has_the_committed_results():
    results = json.loads((TABLES / "layers.json").read_text(encoding="utf-8"))
    assert (TABLES / "layers.md").read_text(encoding="utf-8") == table(results)
