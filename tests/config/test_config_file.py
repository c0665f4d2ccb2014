"""Configurations by name and from TOML files, and what is said about files that are wrong."""

import pytest

from gaincell.config import PRESETS, HeadConfig
from gaincell.config_file import FIELDS, config_from_table, config_to_toml, load_config

EVERY_FIELD = HeadConfig(
    head_dim=5,
    window=21,
    columns=7,
    sink=7,
    query_bits=8,
    key_bits=1,
    value_bits=2,
    readout_bits=5,
    cell="linear",
    full_scale_v=1.1,
    center_v=0.3,
    score_saturation=3.3,
    output_saturation=1 / 3,
    retention_s=1.5e-5,
    token_s=1e-7,
    age_mode="time",
    retention_error=0.123456789012345678,
    refresh=False,
    clock_s=0.7e-9,
    write_cycles=3,
    reset_cycles=4,
    step_cycles=5,
    late_cycles=1,
    sync_stages=2,
    schedule="paired",
    readout="counters",
)
"""No field at its default."""


def refusal_of(path, expected: type[Exception] = ValueError) -> str:
    with pytest.raises(expected) as caught:
        load_config(path)
    assert type(caught.value) is expected
    return str(caught.value)


@pytest.fixture
def write(tmp_path):
    """Write a TOML file and return its path."""

    def write(text: str | bytes):
        path = tmp_path / "head.toml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


@pytest.mark.parametrize("name", PRESETS)
def test_finds_presets_by_name(name):
    assert load_config(name) is PRESETS[name]


def test_starts_from_the_default_or_from_a_named_preset(write):
    assert load_config(write("")) == HeadConfig()
    assert load_config(write("sink = 1\n")) == HeadConfig(sink=1)
    path = write('preset = "tiny"\nsink = 2\n')
    assert load_config(path) == HeadConfig(head_dim=8, window=16, columns=4, sink=2)
    assert load_config(str(path)) == load_config(path)


def test_reads_lists_as_polynomials_and_whole_numbers_as_quantities(write):
    config = load_config(write("cell = [0, 19.3]\nfull_scale_v = 1\nclock_s = 2e-9\n"))
    assert config.cell == (0, 19.3)
    assert config.full_scale_v == 1
    assert config.clock_s == 2e-9


def test_reads_refresh_as_true_or_false(write):
    assert load_config(write("refresh = false\n")) == HeadConfig(refresh=False)
    path = write("refresh = 1\n")
    said = refusal_of(path, TypeError)
    assert said == f"config {path}: refresh is 1, but must be true or false"


@pytest.mark.parametrize(
    "config",
    [
        *PRESETS.values(),
        HeadConfig(cell=(0.0, 19.3, -0.1), score_saturation=1e-3, retention_error=1 / 30),
        EVERY_FIELD,
    ],
)
def test_what_is_written_reads_back_as_the_same_config(config, write):
    text = config_to_toml(config)
    assert load_config(write(text)) == config
    for name in FIELDS:
        assert f"{name} =" in text


def test_round_trip_covers_every_field():
    assert tuple(EVERY_FIELD.fields_set()) == FIELDS


def test_fields_without_a_value_are_comments(write):
    text = config_to_toml(HeadConfig())
    assert "# score_saturation =  # by default derived from the other fields\n" in text
    assert load_config(write(text)).score_saturation is None


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("head_dims", "head_dim"),
        ("windows", "window"),
        ("key_bit", "key_bits"),
        ("retention", "retention_s"),
    ],
)
def test_names_the_nearest_key_to_an_unknown_one(write, key, nearest):
    path = write(f"{key} = 3\n")
    said = f'unknown key "{key}" (nearest known: "{nearest}")'
    assert refusal_of(path) == f"config {path}: {said}"


def test_names_all_unknown_keys(write):
    said = refusal_of(write("windo = 3\n[timing]\nclock = 1\n"))
    assert 'unknown key "windo" (nearest known: "window")' in said
    assert 'unknown key "timing" (nearest known: ' in said


def test_rejects_an_unknown_preset_by_name_and_in_a_file(write):
    said = refusal_of("gpt3")
    assert said == 'config "gpt3" is neither a file nor a preset (gpt2, tiny)'
    path = write('preset = "gpt3"\n')
    assert refusal_of(path) == f'config {path}: preset is "gpt3", but must be one of gpt2, tiny'
    path = write("preset = 3\n")
    assert refusal_of(path) == f"config {path}: preset is 3, but must be one of gpt2, tiny"


def test_rejects_a_file_that_cannot_be_read(tmp_path):
    missing = tmp_path / "missing.toml"
    assert refusal_of(missing) == f"config {missing} cannot be read: No such file or directory"
    assert refusal_of(tmp_path) == f"config {tmp_path} cannot be read: Is a directory"


def test_rejects_a_file_that_is_not_toml(write):
    path = write("head_dim: 3\n")
    assert refusal_of(path).startswith(f"config {path} is not valid TOML: ")
    path = write(b'cell = "\xff"\n')
    assert refusal_of(path).startswith(f"config {path} is not valid TOML: ")
    path = write("sink = 1\nsink = 2\n")
    assert refusal_of(path).startswith(f"config {path} is not valid TOML: ")


def test_names_the_file_in_which_a_value_is_wrong(write):
    path = write("head_dim = 0\nsync_stages = 3\n")
    assert refusal_of(path) == (
        f"config {path}: head_dim is 0, but must be at least 1; sync_stages is 3, but must be 1..2"
    )
    path = write('head_dim = "64"\n')
    said = refusal_of(path, TypeError)
    assert said == f'config {path}: head_dim is "64", but must be a whole number, at least 1'


def test_leaves_the_table_it_is_given_as_it_was():
    table = {"preset": "tiny", "sink": 1}
    config_from_table(table)
    assert table == {"preset": "tiny", "sink": 1}
