"""Tables of accelerators that are made here: what is read, and how a wrong one is refused."""

from pathlib import Path

import pytest

from gaincell.ledger.figures import read_survey
from gaincell.ledger.others import holds_systems, read_others
from gaincell.ledger.others_page import others_page

FIGURES = ("energy", "queries", "efficiency", "latency")
CELL = 'source = "a", place = "Table 1"'


def table(**changes: str) -> str:
    """A file of one source and one system; each change is TOML, or empty to leave a key out."""
    cells = {
        "id": '"one"',
        "name": '"One"',
        "technology": f'{{ text = "28 nm", {CELL} }}',
        "boundary": f'{{ text = "a head", {CELL} }}',
        "known": f'{{ text = "simulated: by SPICE", {CELL} }}',
        "loss": '"not published"',
        "beside": '"not published"',
        **dict.fromkeys(FIGURES, '"not published"'),
    }
    lines = [f"{key} = {value}" for key, value in (cells | changes).items() if value]
    return '[source.a]\ncite = "A, 2025"\nread = "abstract"\n[[system]]\n' + "\n".join(lines) + "\n"


def number(value: str, unit: str, more: str = "") -> str:
    return f'{{ value = {value}, unit = "{unit}", {CELL}{more} }}'


SIZES = f"{{ head_dim = 64, keys = 1024, heads = 2, {CELL} }}"


@pytest.fixture
def file(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "others.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_figures_are_converted_and_shown_with_formula_source_and_place(file):
    efficiency = number("467.68", "GOPS/W", ', mark = "at most"')
    survey = read_survey(file(table(efficiency=efficiency)))
    assert survey.count() == {"systems": 1, "published": 1, "converted": 2, "not published": 1}
    page = others_page(survey)
    row = next(line for line in page.splitlines() if line.startswith("| **One** | simulated"))
    cells = [cell.strip() for cell in row.split("|")[3:-1]]
    energy = 4 * 64 * 1024 / 0.46768e12 * 1e9
    assert cells[0] == f"*at least {energy:.1f}*"
    assert cells[2:] == ["at most 0.4677 (abstract)", "not published"]
    assert (
        "at most 467.68 GOPS/W ([a](#what-was-read), Table 1; the abstract alone was read)" in page
    )
    assert "`4 * head_dim * keys / efficiency / 1000`" in page
    assert "| a | A, 2025 | the abstract alone |" in page


def test_energy_of_a_layer_is_divided_by_its_heads_and_named_in_the_note(file):
    text = table(
        layer=number("[12.2, 12.2]", "nJ"), sizes=SIZES, note='"{energy:.1f} of {heads:g} heads"'
    )
    (row,) = read_survey(file(text)).rows
    assert row.figures["energy"].high == pytest.approx(6.1)
    assert row.system.note == "6.1 of 2 heads"


def test_values_come_from_where_this_project_has_them(file):
    text = table(
        latency=number('"config:latency_ns"', "ns"),
        energy=number(
            '"formula:a + b"', "pJ", ', numbers = { a = "table:page.md:x:pJ", b = 1000 }'
        ),
        sizes=SIZES,
    )
    path = file(text)
    (path.parent / "page.md").write_text("| n | pJ |\n|---|---|\n| x | 4244..19631 |\n")
    (row,) = read_survey(path).rows
    assert row.figures["latency"].high == pytest.approx(59)
    assert (row.figures["energy"].low, row.figures["energy"].high) == pytest.approx((5.244, 20.631))


def test_a_file_of_systems_is_known_from_one_of_figures(file):
    assert holds_systems(file(table()))
    assert not holds_systems(file('[[entry]]\nid = "x"\n'))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"loss": ""}, "loss is missing"),
        ({"energy": ""}, "energy is missing"),
        ({"loss": '"none"'}, 'loss is "none", but must be a table with source and place, or "not'),
        ({"latency": "65"}, 'latency is 65, but must be a table with source and place, or "not'),
        (
            {"latency": '{ value = 65, unit = "ns", place = "Table 1" }'},
            "[system one, latency] source is missing",
        ),
        (
            {"loss": '{ text = "none", source = "a" }'},
            "[system one, loss] place is missing",
        ),
        ({"latency": number("65", "ms/token")}, 'latency has the unit "ms/token", but must be in'),
        ({"latency": number('"much"', "ns")}, "must be a number, [low, high], or a source such as"),
        ({"latency": number("[1, 2, 3]", "ns")}, "must be a number, [low, high], or a source"),
        ({"latency": number("65", "ns", ', mark = "some"')}, 'mark is "some", but must be'),
        ({"latency": number('"config:latncy"', "ns")}, 'latency: source "config:latncy": unknown'),
        ({"latency": number("0", "ns")}, "latency is 0..0, but must be above 0"),
        ({"latency": number("[2, 1]", "ns")}, "latency is 2..1, but must be above 0 and ascend"),
        ({"energy": number("6.1", "nJ")}, "sizes must say of which heads"),
        ({"known": f'{{ text = "seen", {CELL} }}'}, "known must begin with measured, simulated"),
        (
            {"loss": '{ text = "1 %", source = "b", place = "text" }'},
            'loss has the unknown source "b" (nearest known: "a")',
        ),
        ({"note": '"{enrgy}"'}, 'unknown name "enrgy"'),
        ({"sped": '"not published"'}, 'unknown key "sped"'),
    ],
)
def test_tables_that_cannot_be_meant_are_refused(file, changes, sentence):
    path = file(table(**changes))
    with pytest.raises(ValueError, match=r"^ledger ") as caught:
        read_survey(path)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ('[source.b]\ncite = "B"\nread = "abstract"\n', 'source "b" is used nowhere'),
        ('[source.b]\ncite = "B"\nread = "half"\n', '[source.b] read is "half", but must be'),
        ("[system.more]\nx = 1\n", 'unknown key "more"'),
        ("[sorce.b]\nx = 1\n", 'unknown key "sorce" (nearest known: "source")'),
    ],
)
def test_what_stands_beside_the_systems_is_checked(file, more, sentence):
    with pytest.raises(ValueError, match=r"^ledger ") as caught:
        read_others(file(table() + more))
    assert sentence in str(caught.value)


def test_an_id_that_is_used_twice_is_refused(file):
    twice = table() + table().partition('"abstract"\n')[2]
    with pytest.raises(ValueError, match='id "one" is used twice'):
        read_others(file(twice))
