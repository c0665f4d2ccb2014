"""The table of attention accelerators: every cell has a source, and the page is what it makes."""

import json
import re
from pathlib import Path

import pytest

from gaincell import cli
from gaincell.ledger.figures import read_survey
from gaincell.ledger.others import ABSENT, FIGURES, TEXTS
from gaincell.ledger.others_page import others_page

ROOT = Path(__file__).parents[2]
ENTRIES = ROOT / "docs" / "evidence" / "others.toml"
ASKED = (
    "ReTransformer",
    "X-Former",
    "HARDSEA",
    "TransPIM",
    "PIM-GPT",
    "ELSA",
    "CAMformer",
    "HASTILY",
    "ITA",
    "UCSD",
    "FusionCIM",
    "TrilinearCIM",
    "Topkima-Former",
    "UniCAIM",
    "ClipFormer",
    "FeFET attention",
    "Leroux",
    "gaincell",
    "RTX 4090",
    "Jetson",
    "H200",
)
"""Systems that the table must hold."""


@pytest.fixture(scope="module")
def survey():
    return read_survey(ENTRIES)


def test_committed_page_is_what_the_entries_make(survey):
    page = (ROOT / "docs" / "evidence" / "others.md").read_text(encoding="utf-8")
    assert page == others_page(survey), (
        "run gaincell ledger --entries docs/evidence/others.toml -o docs/evidence/others.md"
    )


def test_every_cell_has_a_source_and_a_place_or_says_that_nothing_is_published(survey):
    wrong = []
    for row in survey.rows:
        for name in (*TEXTS, *FIGURES):
            cell = getattr(row.system, name)
            if cell == ABSENT or (name == "layer" and cell is None):
                continue
            if cell.source not in survey.others.sources or not cell.place.strip():
                wrong.append(f"{row.system.id}: {name}")
    assert wrong == []


def test_every_figure_of_the_page_is_published_here_or_computed(survey):
    for row in survey.rows:
        for name, figure in row.figures.items():
            assert (figure.by is None) is (name in row.system.numbers), f"{row.system.id}: {name}"


@pytest.mark.parametrize("name", ASKED)
def test_the_systems_that_were_asked_for_are_there(survey, name):
    assert any(name in row.system.name for row in survey.rows)


def test_files_of_this_project_that_cells_name_exist(survey):
    for row in survey.rows:
        for cell in row.system.cells.values():
            if cell.source == "project":
                for path in re.findall(r"docs/[\w./]+\.\w+", cell.place):
                    assert (ROOT / path).exists(), f"{row.system.id}: {path}"


def test_words_of_this_projects_rows_are_those_of_the_results_page(survey):
    """Numbers that a cell of words repeats stand on the page that it names."""
    results = (ROOT / "docs" / "evidence" / "results.md").read_text(encoding="utf-8")
    losses = {row.system.id: row.system.loss for row in survey.rows}
    for name, numbers in (("gaincell", ("58.4", "35.9", "30.8")), ("gaincell-recent", ("1.02",))):
        assert losses[name].source == "project"
        for number in numbers:
            assert number in losses[name].text
            assert number in results


def test_the_papers_and_our_figures_are_those_of_the_other_ledger(survey):
    data = {row.system.id: row.figures for row in survey.rows}
    assert data["paper"]["energy"].high == pytest.approx(6.1)
    assert data["paper"]["latency"].high == pytest.approx(65)
    assert data["gaincell"]["latency"].high == pytest.approx(59)
    assert data["gaincell-recent"]["energy"].low > data["gaincell"]["energy"].low


def test_the_h200_stands_as_its_record_has_it(survey):
    records = json.loads((ROOT / "docs" / "evidence" / "gpu" / "records.json").read_text())
    rows = {row["case"]: row for row in records["bench"]["figures"]["rows"]}
    for name, case in (
        ("h200-1", "cuda, sdpa, batch 1, graph"),
        ("h200-64", "cuda, sdpa, batch 64, graph"),
    ):
        figures = next(row.figures for row in survey.rows if row.system.id == name)
        energy_nj = rows[case]["energy"]["per_token_j"] / 12 * 1e9
        assert figures["energy"].high == pytest.approx(energy_nj)
        assert figures["latency"].high == pytest.approx(rows[case]["median_s"] * 1e9)


def test_command_writes_page_and_data(tmp_path, capsys):
    output, data = tmp_path / "page.md", tmp_path / "data.json"
    arguments = ["--entries", str(ENTRIES), "-o", str(output), "--json", str(data)]
    assert cli.main(["ledger", *arguments]) == 0
    assert output.read_bytes() == (ROOT / "docs" / "evidence" / "others.md").read_bytes()
    found = json.loads(data.read_text())
    camformer = next(each for each in found["systems"] if each["id"] == "camformer")
    assert camformer["figures"]["queries"]["high"] == 9045
    assert camformer["figures"]["efficiency"]["by"]["takes"] == "energy"
    assert re.search(rf"systems +{len(found['systems'])}\n", capsys.readouterr().out)
