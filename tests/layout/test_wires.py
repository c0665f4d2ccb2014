import random
import re
from pathlib import Path

import pytest

from gaincell.layout.digital.steiner import steiner_tree
from gaincell.layout.digital.wires import NetWire, Pin, spef, timer_wires


class Metal:
    """Wires of round numbers."""

    ohm_per_um = 2.0
    f_per_um = 0.5e-15


def half_perimeter(points):
    return sum(max(side) - min(side) for side in zip(*points, strict=True))


@pytest.mark.parametrize(
    ("pins", "length"),
    [
        ([(0, 0), (3, 4)], 7),
        ([(0, 0), (4, 0), (2, 3)], 7),
        ([(0, 2), (4, 2), (2, 0), (2, 4)], 8),
        ([(1, 1), (1, 1)], 0),
    ],
)
def test_trees_of_few_pins_are_the_shortest(pins, length):
    assert steiner_tree(pins).length_um == pytest.approx(length)


def test_a_tree_joins_every_pin_and_is_short():
    drawn = random.Random(3)
    for count in (2, 3, 5, 9, 30):
        pins = [(drawn.uniform(0, 100), drawn.uniform(0, 60)) for _ in range(count)]
        tree = steiner_tree(pins)
        assert tree.points[:count] == tuple(pins)
        for at in range(len(tree.points)):
            steps = 0
            while at:
                at, steps = tree.parent[at], steps + 1
                assert steps <= len(tree.points), "the tree has a circle"
        star = sum(abs(x - pins[0][0]) + abs(y - pins[0][1]) for x, y in pins)
        assert half_perimeter(pins) - 1e-9 <= tree.length_um <= star + 1e-9


def test_spef_has_the_length_of_the_tree():
    pins = (
        Pin("u0", "Y", True, (0.0, 0.0)),
        Pin("u1", "A", False, (10.0, 0.0)),
        Pin("out", "", False, (5.0, 6.0)),
    )
    wires = {"n": NetWire(pins, steiner_tree([pin.at for pin in pins]))}
    text = spef("top", wires, Metal)
    assert "*D_NET n 8.0000" in text
    assert re.search(r"^\*I u0:Y O$", text, re.MULTILINE)
    assert re.search(r"^\*P out O$", text, re.MULTILINE)
    parts = text[text.index("*CAP") :]
    ohm = [float(line.split()[3]) for line in parts.splitlines() if len(line.split()) == 4]
    assert sum(ohm) == pytest.approx(2.0 * 16.0)
    wire = timer_wires(wires, Metal)["n"]
    assert wire.load_ff == pytest.approx(8.0)
    assert wire.delay_ns > 0


def test_a_package_that_imports_coriolis_is_run_as_a_program_only():
    """Coriolis is GPL: no module of gaincell that others import may import it."""
    folder = Path(__file__).parents[2] / "layout" / "digital"
    importing = {
        file.name
        for file in folder.rglob("*.py")
        if re.search(r"^\s*(from|import) coriolis", file.read_text(), re.MULTILINE)
    }
    assert importing == {"coriolis_process.py"}
    root = folder.parents[1]
    sources = [file for top in ("layout", "src", "synth") for file in (root / top).rglob("*.py")]
    assert len(sources) > 100
    users = [
        file.name
        for file in sources
        if re.search(r"import .*coriolis_process|coriolis_process import", file.read_text())
    ]
    assert users == []
