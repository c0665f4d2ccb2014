"""The shipped results of the adaptation benchmark, and the tables made from them."""

from pathlib import Path

from gaincell.data.adaptation import CASES, HEAD, rows, shipped_results, table

DOCS = Path(__file__).parents[1] / "docs"
RESULTS = {
    "teacher": 30.0,
    "six-ours": {"before": 33.0, "after": {"100": 31.5, "200": 30.5}},
    "all-ranges": {"before": 20_000.0, "after": {}},
}


def test_rows_give_ratios_to_the_stock_model():
    found = {row[:2]: row[2:] for row in rows(RESULTS)}
    assert found["none", "stock model"] == ("30.00", "", "")
    assert found["10-15", "closed-form start"] == ("33.0, 1.10 x", "31.5, 1.05 x", "not run")
    assert found["0-29", "range scalers"] == ("20000", "not run", "not run")
    assert len(found) == len(CASES) + 1


def test_table_is_markdown():
    lines = table(RESULTS).splitlines()
    assert lines[0] == "| layers | start | no step | 100 steps | 300 steps |"
    assert lines[1] == "| --- | --- | --- | --- | --- |"
    assert all(line.count("|") == len(HEAD) + 1 for line in lines)


def test_the_page_of_the_documentation_has_the_shipped_results():
    results = shipped_results()
    assert results is not None
    assert set(results) <= {"teacher"} | {case.name for case in CASES}
    page = DOCS / "evidence" / "tables" / "adaptation.md"
    assert page.read_text(encoding="utf-8") == table(results)
