"""Numbers and programs in the documentation are those of the code."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gaincell.behavioral.faults import Faults
from gaincell.config import HeadConfig

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PARTS = ("behavioral", "benchmarks", "cocotb_tests", "docs", "hdl", "ml", "rtl_server", "src")
PAGES = ["README.md", *sorted(str(page.relative_to(ROOT)) for page in DOCS.rglob("*.md"))]
PHASES = {
    "QK": "qk",
    "AV": "av",
    "OUT": "out",
    "K write": "k_write",
    "K reset": "k_reset",
    "V write": "v_write",
    "V reset": "v_reset",
}


def rows(page: str) -> dict[str, list[str]]:
    """Cells of all table rows of a page, by the first cell."""
    lines = (DOCS / "understand" / page).read_text().splitlines()
    tables = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines if line.startswith("|")]
    return {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in tables}


@pytest.mark.parametrize("name", PHASES)
def test_timing_page_gives_the_default_spans(name):
    span = getattr(HeadConfig().timing, PHASES[name])
    assert rows("timing.md")[name][-1] == f"{span.start}..{span.end}"


def test_timing_page_gives_what_each_resource_waits_for():
    table = rows("timing.md")
    for paired in HeadConfig(schedule="paired").timing.resources:
        expected = f"{paired.used.cycles}"
        if paired.copies == 2:
            expected += f", two copies: {paired.interval_cycles}"
        assert table[paired.name][-1] == expected


@pytest.mark.parametrize("schedule", ["sequential", "overlapped", "paired"])
def test_timing_page_compares_the_schedules(schedule):
    config = HeadConfig(schedule=schedule)
    timing = config.timing
    row = next(
        cells for name, cells in rows("timing.md").items() if name.startswith(f"`{schedule}`")
    )
    numbers = [timing.banks, timing.interval_cycles, timing.latency_cycles, timing.result_places]
    assert row[:4] == [str(number) for number in numbers]
    rate = float(row[4].removesuffix(" million"))
    assert rate == pytest.approx(1e-6 / (timing.interval_cycles * config.clock_s), abs=0.051)


@pytest.mark.parametrize("schedule", ["sequential", "overlapped", "paired"])
@pytest.mark.parametrize(
    "change", [{}, {"write_cycles": 1, "reset_cycles": 4, "late_cycles": 3}, {"sync_stages": 2}]
)
def test_timing_page_gives_the_formula_of_the_latency(schedule, change):
    config = replace(HeadConfig(schedule=schedule), **change)
    settle = max(config.write_cycles, config.reset_cycles)
    phases = 2 * config.pulse_cycles + config.late_cycles + config.readout_max
    total = settle + phases + config.sync_stages + 2
    assert config.latency_cycles == total + (schedule != "sequential")


def test_timing_page_gives_the_default_refresh():
    plan = HeadConfig().retention
    table = rows("timing.md")
    cycles = {
        "bound": plan.bound_cycles,
        "visit": plan.visit_cycles,
        "patience with data and tokens": plan.patience_cycles,
        "sweep": plan.sweep_cycles,
        "young": plan.young_cycles,
    }
    for name, expected in cycles.items():
        assert int(table[name][0].removesuffix("cycles").replace(" ", "")) == expected, name


@pytest.mark.parametrize(
    ("schedule", "cost"), [("sequential", 0), ("overlapped", 4), ("paired", 11)]
)
def test_timing_page_gives_what_a_refresh_costs_a_busy_head(schedule, cost):
    config = HeadConfig(schedule=schedule)
    delayed = config.timing.arrays_cycles + config.timing.clear_cycles
    assert max(0, delayed - config.interval_cycles) == cost
    text = " ".join((DOCS / "understand" / "timing.md").read_text().split())
    assert (
        f"with `{schedule}` {cost or 'none'}" in text
        or f"`{schedule}` it costs a busy head {cost}" in text
    )


def test_programs_on_the_arrays_page_run():
    programs = re.findall(
        r"```python\n(.*?)```", (DOCS / "understand" / "arrays.md").read_text(), re.DOTALL
    )
    assert len(programs) == 2
    names: dict[str, object] = {}
    for program in programs:
        exec(program, names)
    assert names["y"].shape == (40, 8)


def test_every_port_of_the_head_is_on_the_hardware_page():
    from gaincell.hdl.verilog import head_verilog

    page = (DOCS / "understand" / "hardware.md").read_text()
    top = head_verilog(HeadConfig()).partition("module gaincell_head(")[2].partition("endmodule")[0]
    ports = re.findall(r"^  (?:input|output) (?:\[.*\] )?(\w+);", top, re.MULTILINE)
    assert "clk" in ports
    assert [port for port in ports if f"`{port}`" not in page] == []


@pytest.mark.parametrize("name", ["formal.md", "formal_cores.md"])
def test_the_tables_of_proofs_have_every_property_with_its_claim_and_geometries(name):
    from formal.campaign import CORE_PROPERTIES, PROPERTIES
    from formal.geometries import describe

    properties = {"formal.md": PROPERTIES, "formal_cores.md": CORE_PROPERTIES}[name]
    page = (DOCS / "evidence" / name).read_text(encoding="utf-8")
    table = [line.split("|") for line in page.splitlines() if line.startswith("| ")][1:]
    shown = [(cells[1].strip(), cells[3].strip()) for cells in table]
    assert shown == [
        (each.name, describe(config)) for each in properties for config in each.configs
    ]
    claims = "\n\n".join(f"{each.name}\n: {each.claim}" for each in properties)
    assert page.partition("## What they say\n\n")[2].strip() == claims


def mutant_tables() -> list[list[list[str]]]:
    """The tables of the mutation campaign, without their heads: rows of cells."""
    page = (DOCS / "evidence" / "tables" / "mutants.md").read_text(encoding="utf-8")
    blocks = [block.splitlines() for block in page.split("\n\n") if block.startswith("| ")]
    return [
        [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in block[2:]]
        for block in blocks
    ]


def test_the_table_of_mutants_has_every_component_and_enough_are_noticed():
    from gaincell.cocotb_tests.mutants.mutate import mutants_of
    from gaincell.cocotb_tests.mutants.scenarios import HEADS
    from gaincell.hdl.verilog import head_verilog

    *rows, total = mutant_tables()[0]
    names = [
        [name, component]
        for name, config in HEADS.items()
        for component in dict.fromkeys(
            mutant.component for mutant in mutants_of(head_verilog(config))
        )
    ]
    assert [row[:2] for row in rows] == names
    numbers = np.array([[int(cell) for cell in row[2:]] for row in rows])
    assert numbers.sum(axis=0).tolist() == [int(cell) for cell in total[2:]]
    mutants, equivalent, by_testbench, by_cosimulation, by_either, by_none = numbers.sum(axis=0)
    assert mutants - equivalent >= 300
    assert by_either + by_none == mutants - equivalent
    assert by_either >= max(by_testbench, by_cosimulation)
    assert by_either >= 0.99 * (mutants - equivalent)


def test_every_mutant_that_nothing_notices_is_explained():
    page = (DOCS / "evidence" / "mutants.md").read_text(encoding="utf-8")
    survivors = [row[0] for table in mutant_tables()[2:] for row in table if len(row) == 4]
    assert len(survivors) == int(mutant_tables()[0][-1][-1])
    assert [name for name in survivors if f"**{name}**" not in page] == []


def test_the_arrays_page_has_a_row_for_every_fault():
    table = rows("arrays.md")
    assert [name for name in Faults.__dataclass_fields__ if f"`{name}`" not in table] == []


@pytest.mark.parametrize("page", PAGES)
def test_files_that_a_page_names_exist(page):
    """Paths from the top folder, in backticks: ``hdl/head.py``, ``ml/start/``."""
    text = (ROOT / page).read_text(encoding="utf-8")
    paths = re.findall(rf"`((?:{'|'.join(PARTS)}|synth|tests)/[\w./-]*)`", text)
    named = [path for path in paths if "NAME" not in path]
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_modules_that_a_page_names_exist():
    """Dotted paths in backticks: ``gaincell.ml.start.matching``, ``gaincell.pictures.timing``."""
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for name in re.findall(r"`(gaincell(?:\.\w+)+)`", text):
            parts = name.split(".")[1:]
            folder = ROOT / "src" / "gaincell"
            while parts and (folder / parts[0]).is_dir():
                folder /= parts.pop(0)
            if parts:
                texts = [folder / f"{parts[0]}.py", folder / "__init__.py"]
                known = texts[0].exists() or parts[0] in texts[1].read_text(encoding="utf-8")
                assert known, f"{page}: {name}"


def test_links_of_the_readme_lead_to_files():
    links = re.findall(r"\]\(([\w./-]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(links) > 10
    assert [link for link in links if not (ROOT / link).exists()] == []
