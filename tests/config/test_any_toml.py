"""Every config that TOML can spell is read, or refused with one line, soon."""

import json
import math
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gaincell.cli import main
from gaincell.commands.config import derived_comments
from gaincell.config import PRESETS, HeadConfig
from gaincell.config_file import FIELDS, config_to_toml, load_config
from gaincell.synth.estimate.analog import FIELDS as ANALOG
from gaincell.synth.estimate.analog import load_analog

HOSTILE = settings(
    max_examples=300,
    deadline=2000,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
"""An example that takes more than two seconds fails."""

powers = st.builds(
    lambda sign, base, power, off: sign * base**power + off,
    st.sampled_from([1, -1]),
    st.sampled_from([2, 10]),
    st.integers(0, 400),
    st.integers(-1, 1),
)
numbers = st.one_of(
    st.integers(0, 20),
    powers,
    st.floats(allow_subnormal=True),
    st.builds(lambda power: 10.0**power, st.floats(-320, 308)),
    st.sampled_from([math.inf, -math.inf, math.nan, -0.0, 1e12, 5e-324]),
)
names = ["cubic", "linear", "steps", "time", "sequential", "paired", "popcount", "counters"]
scalars = st.one_of(
    numbers,
    st.booleans(),
    st.sampled_from(names),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
    st.dates(),
)
values = st.one_of(
    scalars,
    numbers,
    st.lists(numbers, max_size=40),
    st.recursive(scalars, lambda inner: st.lists(inner, max_size=3), max_leaves=5),
    st.dictionaries(st.sampled_from(["a", "b c"]), scalars, max_size=2),
)
keys = st.one_of(st.sampled_from(FIELDS), st.sampled_from(FIELDS), st.text(max_size=300))


def spelt(value: object) -> str:
    """``value`` in TOML."""
    match value:
        case bool() | str():
            return json.dumps(value).replace("\x7f", "\\u007f")
        case int():
            return str(value)
        case float():
            return repr(value)
        case date():
            return value.isoformat()
        case list() | tuple():
            return f"[{', '.join(map(spelt, value))}]"
        case dict():
            pairs = ", ".join(f"{spelt(key)} = {spelt(each)}" for key, each in value.items())
            return f"{{{pairs}}}"
    raise AssertionError(value)


def lines(table: dict[str, object]) -> str:
    return "".join(f"{spelt(key)} = {spelt(value)}\n" for key, value in table.items())


def read(path: Path) -> HeadConfig | None:
    """The config of a file, which prints and loads alike; or None, refused with one line."""
    try:
        config = load_config(path)
        load_analog(path)
    except (TypeError, ValueError) as error:
        said = str(error)
    else:
        said = ""
    if said:
        assert len(said.splitlines()) == 1
        assert len(said) < 4000
        return None
    derived_comments(config)
    path.write_text(config_to_toml(config))
    assert load_config(path) == config
    return config


@HOSTILE
@given(
    table=st.dictionaries(keys, values, max_size=4),
    preset=st.sampled_from(["tiny", "tiny", "gpt2", "none"]),
    analog=st.dictionaries(st.sampled_from([*ANALOG, "window"]), values, max_size=2),
)
def test_any_document_near_a_config_is_read_or_refused(tmp_path, table, preset, analog):
    path = tmp_path / "head.toml"
    text = lines({"preset": preset} | table) + (f"[analog]\n{lines(analog)}" if analog else "")
    path.write_text(text, encoding="utf-8", errors="replace")
    read(path)


@HOSTILE
@given(name=st.sampled_from(FIELDS), value=numbers, other=st.sampled_from(FIELDS), second=numbers)
def test_any_two_numbers_in_a_config_are_taken_or_refused(tmp_path, name, value, other, second):
    path = tmp_path / "head.toml"
    path.write_text(lines({"preset": "tiny", "refresh": False} | {name: value, other: second}))
    read(path)


@HOSTILE
@given(where=st.integers(0, 200), what=st.binary(max_size=8))
def test_any_bytes_in_a_config_are_read_or_refused(tmp_path, where, what):
    path = tmp_path / "head.toml"
    text = config_to_toml(PRESETS["tiny"]).encode()
    path.write_bytes(text[:where] + what + text[where + len(what) // 2 :])
    read(path)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"\xef\xbb\xbfwindow = 128\n", None),
        ("window = 128\n".encode("utf-16"), "is not valid TOML: 'utf-8' codec can't decode"),
        (b"window = 128\n\x00", "is not valid TOML: "),
        (b"a = " + b"[" * 3000, "is not valid TOML: it is nested too deeply"),
        (b"window = 1" + b"0" * 5000, "is not valid TOML: Exceeds the limit"),
        (b"#" * ((1 << 20) + 1), "has more than 1048576 bytes"),
        (b"".join(b"k%d = 1\n" % n for n in range(999)), "994 more unknown keys"),
        (b'"a\\nb" = 1\n', 'unknown key "a\\nb" (nearest'),
        (b'schedule = "a\\u2028b"\n', 'schedule is "a\\u2028b", but must be'),
        (b"retention_s = 1e12\n", "retention_s is 1e+12, but must be at most "),
        (b"window = 1048576\ncolumns = 1\n", "makes 67108864 pulses, but at most 1048576 are"),
        (b"head_dim = 100000000000000000000\n", "head_dim is 100000000000000000000, but must be"),
        (
            b"score_saturation = 1" + b"0" * 400,
            "00... (401 characters), but must be of a magnitude",
        ),
        (
            b"cell = [" + b"1.0, " * 40 + b"]",
            "at most 16 coefficients of a magnitude in 1e-12..1e+12",
        ),
    ],
)
def test_what_toml_can_spell_is_answered_in_one_line(raw, said, tmp_path, capsys):
    path = tmp_path / "head.toml"
    path.write_bytes(raw)
    status = main(["config", str(path)])
    error = capsys.readouterr().err
    if said is None:
        assert status == 0
    else:
        assert (status, len(error.splitlines())) == (2, 1)
        assert said in error
