"""The schema of metrics.json, against the metrics that are shipped and against wrong files."""

import copy
import json
from dataclasses import fields
from importlib.resources import files
from types import NoneType, UnionType
from typing import get_args, get_type_hints

import pytest

from gaincell.synth.estimate.digital import REFERENCE
from gaincell.synth.flow import OUTPUTS, STEPS, Given
from gaincell.synth.metrics import Metrics, as_json, read_metrics, rows

SHIPPED = json.loads((files("gaincell.data") / REFERENCE).read_text())


def with_types(kind):
    """Name and type of every field of a dataclass."""
    types = get_type_hints(kind)
    return {part.name: types[part.name] for part in fields(kind)}


def can_be(given, taken):
    """Whether a value of the type ``given`` is one of the type ``taken``, None apart."""
    choices = [
        set(get_args(kind)) if isinstance(kind, UnionType) else {kind} for kind in (given, taken)
    ]
    return choices[0] - {NoneType} <= choices[1]


@pytest.mark.parametrize("metrics", SHIPPED)
def test_shipped_metrics_come_back_as_they_were(metrics):
    assert json.dumps(as_json(read_metrics(metrics))) == json.dumps(metrics)


@pytest.mark.parametrize("place", range(len(STEPS)), ids=lambda n: STEPS[n].run.__module__)
def test_every_input_of_a_step_is_given_or_an_output_of_an_earlier_step(place):
    known = with_types(Given)
    for earlier in STEPS[:place]:
        known |= with_types(earlier.outputs)
    for name, kind in with_types(STEPS[place].inputs).items():
        if name == "folder":
            assert STEPS[place].folder, "the step has no folder"
        else:
            assert can_be(known[name], kind), f"{name} is {known[name]}, but must be {kind}"


def test_every_output_is_an_input_of_a_later_step_or_in_the_metrics():
    metrics = with_types(Metrics)
    only_in_the_report = []
    for place, each in enumerate(STEPS):
        later = {name for step in STEPS[place + 1 :] for name in with_types(step.inputs)}
        for name, kind in with_types(each.outputs).items():
            if name not in later and name not in metrics:
                only_in_the_report.append(name)
            if name in metrics:
                assert can_be(kind, metrics[name])
    assert only_in_the_report == ["path"]
    names = [part.name for each in STEPS for part in fields(each.outputs)]
    assert sorted(OUTPUTS) == sorted(set(names))
    assert set(metrics) - OUTPUTS == {"config", "core", "library", "options", "tools", "seconds"}


def test_numbers_with_a_row_of_their_own_are_printed_where_they_have_a_value():
    estimate = next(each for each in SHIPPED if each["library"]["estimate"])
    real, made = read_metrics(SHIPPED[0]).area, read_metrics(estimate).area
    assert ("transistors", str(estimate["area"]["transistors"])) in rows(made)
    assert "transistors" not in dict(rows(real))


def test_keys_that_older_files_lack_may_be_absent():
    needed = {
        "config": {},
        "library": {"name": "a", "corner": "b", "voltage_v": 1.1},
        "options": {},
        "area": {"cells_um2": 5.0},
        "timing": {"tool": "a clock"},
    }
    metrics = read_metrics(needed | {"from a later version": 1})
    assert metrics.power is None
    assert metrics.library.node_nm is None
    assert metrics.area.by_block == {}
    for section, table in needed.items():
        with pytest.raises(ValueError, match=section):
            read_metrics({name: each for name, each in needed.items() if name != section})
        for name in table:
            short = {key: value for key, value in table.items() if key != name}
            with pytest.raises(ValueError, match=rf"{section}\.{name} is null, but must be"):
                read_metrics(needed | {section: short})


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("area.flops", 1.5, "area.flops is 1.5, but must be a whole number"),
        ("area.flops", True, "area.flops is true, but must be a whole number"),
        ("library.estimate", "no", 'library.estimate is "no", but must be true or false'),
        ("library.temperature_c", "hot", 'temperature_c is "hot", but must be a finite number'),
        ("area.by_block", [], '"area.by_block" is no object'),
        ("area.by_block.readout", 3, '"area.by_block.readout" is no object'),
        ("area.by_block.readout.cells", None, "readout.cells is null, but must be a whole"),
        ("power.by_block.readout", "1", 'power.by_block.readout is "1", but must be a finite'),
        ("power.total_w", 0, "power.total_w is 0, but must be a finite number above 0"),
        ("seconds.timing", None, "seconds.timing is null, but must be a finite number"),
    ],
)
def test_names_the_key_of_a_wrong_value(path, value, sentence):
    metrics = copy.deepcopy(SHIPPED[0])
    *sections, key = path.split(".")
    table = metrics
    for section in sections:
        table = table[section]
    table[key] = value
    with pytest.raises(ValueError, match=sentence):
        read_metrics(metrics)
