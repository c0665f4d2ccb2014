"""The table of perplexity by kind of text, from results, and the shipped page."""

import json
import math
from pathlib import Path

import pytest

from gaincell.data.texts import STOCK, differences, ratio, table
from gaincell.pictures.texts import draw_texts

TABLES = Path(__file__).parents[1] / "docs" / "evidence" / "tables"
RESULTS = {
    STOCK: {"prose 1024": [[3.0] * 4, [2.0] * 4], "headers 1024": [[1.0] * 4, [1.5] * 4]},
    "recent 32": {
        "prose 1024": [[3.1, 3.1, 3.1, 3.1], [2.1, 2.1, 2.3, 2.3]],
        "headers 1024": [[1.0, 1.0, 1.0, 1.4], [1.5, 1.5, 1.5, 1.9]],
    },
    "unfinished": {"prose 1024": [[3.0] * 4, [2.0] * 4]},
    "unfitted alone": {"headers 1024": [[1.2] * 4, [1.7] * 4]},
}


def test_a_ratio_is_of_the_mean_loss_and_its_error_that_of_the_windows():
    value, error = ratio(differences(RESULTS, "recent 32", "prose 1024"))
    assert value == pytest.approx(math.exp(0.15))
    assert error == pytest.approx(math.exp(0.15) * 0.05)


def test_the_table_has_every_case_that_has_all_unfitted_texts_and_its_worst_text_and_quarter():
    by_text, by_quarter = table(RESULTS).split("\n\n")
    assert "| model | tokens | prose (second half) | headers | worst unfitted |" in by_text
    assert f"| stock, perplexity | 1024 | {math.exp(2.5):.2f} | {math.exp(1.25):.2f} |" in by_text
    assert "| recent 32 | 1024 | 1.162 ± 0.058 | 1.105 ± 0.000 | **1.11** |" in by_text
    assert "| recent 32 | 1024 | 1.11 | 1.11 | 1.22 | 1.49 |" in by_quarter
    assert "| unfitted alone | 1024 | not run | 1.221 ± 0.000 | **1.22** |" in by_text
    assert "unfinished" not in by_text + by_quarter


def test_it_is_drawn(tmp_path):
    draw_texts(RESULTS | {"aligned": RESULTS["unfinished"]}, tmp_path / "texts.png")
    assert (tmp_path / "texts.png").stat().st_size > 10_000


def test_the_page_of_the_documentation_has_the_kept_results():
    results = json.loads((TABLES / "texts.json").read_text())
    assert (TABLES / "texts.md").read_text(encoding="utf-8") == table(results)
