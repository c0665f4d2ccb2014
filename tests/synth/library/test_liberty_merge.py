"""Several Liberty files make one library."""

import re

import pytest

from gaincell.synth.library.liberty_file import NotALibrary, load_library


@pytest.fixture
def parts(small_file, tmp_path):
    """small.lib in two files: each with the header, and every second cell."""
    text = small_file.read_text()
    starts = [place for place in range(len(text)) if text.startswith("\n  cell (", place)]
    ends = [*starts[1:], text.rindex("}")]
    cells = [text[start:end] for start, end in zip(starts, ends, strict=True)]
    paths = tmp_path / "even.lib", tmp_path / "odd.lib"
    for place, path in enumerate(paths):
        path.write_text(text[: starts[0]] + "".join(cells[place::2]) + "\n}\n")
    return paths


def test_parts_have_the_cells_of_the_whole(small, parts):
    library = load_library(*parts)
    assert library.cells.keys() == small.cells.keys()
    assert library.label == small.label
    assert library.cautions == ()
    assert library.text.count("cell (") == small.text.count("cell (")


def test_a_part_in_other_units_is_the_same(small, parts):
    odd = parts[1].read_text()
    odd = odd.replace('leakage_power_unit : "1nW"', 'leakage_power_unit : "1pW"')
    parts[1].write_text(re.sub(r"(cell_leakage_power|value) : (\S+);", r"\1 : \g<2>e3;", odd))
    leakage = {
        name: (cell.leakage_w, *(value for _, value in cell.leakage_when))
        for name, cell in load_library(*parts).cells.items()
    }
    for name, cell in small.cells.items():
        known = (cell.leakage_w, *(value for _, value in cell.leakage_when))
        assert leakage[name] == pytest.approx(known)


def test_templates_of_one_name_keep_their_own_axes(small, parts):
    """The second file calls other axes "energy", and means its own."""
    odd = parts[1].read_text()
    parts[1].write_text(odd.replace('index_1 ("1, 40");', 'index_1 ("2, 80");'))
    library = load_library(*parts)
    points = {
        name: table.load_f[-1]
        for name, cell in library.cells.items()
        for pin in cell.pins.values()
        for energy in pin.energies
        for table in energy.tables
        if len(table.load_f) == 2
    }
    assert points["INV"] == pytest.approx(40e-15)
    assert points["BUF"] == pytest.approx(80e-15)


def test_a_cell_may_be_defined_twice_alike(small, small_file):
    library = load_library(small_file, small_file)
    assert library.text == small.text
    (caution,) = library.cautions
    assert caution.startswith("defined twice, alike: INV, BUF, BUF4, NAND2 and ")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("voltage : 1.0;", "voltage : 0.8;", r"even\.lib is of 1 V and odd\.lib of 0\.8 V"),
        ("temperature : 25;", "temperature : 85;", "of 25 C and .* of 85 C"),
        ("threshold_pct_rise : 50", "threshold_pct_rise : 40", "must measure delays alike"),
    ],
)
def test_refuses_parts_of_different_corners(parts, old, new, sentence):
    parts[1].write_text(parts[1].read_text().replace(old, new))
    with pytest.raises(NotALibrary, match=sentence):
        load_library(*parts)


def test_other_defaults_are_said(parts):
    for path, limit in zip(parts, (0.5, 0.7), strict=True):
        text = path.read_text().replace(
            "nom_process", f"default_max_transition : {limit}; nom_process"
        )
        path.write_text(text)
    assert load_library(*parts).cautions == (
        "the files differ in default_max_transition: that of the first counts",
    )
