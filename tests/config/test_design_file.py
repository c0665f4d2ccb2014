"""``cell = "design.json"``: what a head takes from a characterised design, and what it refuses."""

import json
import re

import numpy as np
import pytest

from gaincell.behavioral.attention import attend
from gaincell.behavioral.control import run_arrays
from gaincell.config_file import config_to_toml, load_config
from gaincell.synth.estimate.analog import load_analog

LEVELS = {"query_bits": 4, "clock_s": 1e-9}
CONFIG = {
    "cell": [0.1, 20.0, -3.0, 60.0],
    "full_scale_v": 0.8,
    "center_v": 0.4,
    "retention_s": 2e-3,
    "score_saturation": 180.0,
    "output_saturation": 100.0,
}
RECORD = {
    "format": 1,
    "design": {"name": "made"},
    "levels": LEVELS,
    "derived": {"config": CONFIG, "analog": {"key_cell_pj": 0.004}},
}


@pytest.fixture
def head(tmp_path):
    """Writes a design and a config that names it; gives the config's path."""

    def write(settings="", record=RECORD):
        (tmp_path / "design.json").write_text(json.dumps(record))
        path = tmp_path / "head.toml"
        path.write_text(f'preset = "tiny"\ncell = "design.json"\n{settings}')
        return path

    return write


def test_a_head_takes_every_field_of_its_design(head):
    config = load_config(head())
    assert {name: getattr(config, name) for name in CONFIG} == {
        **CONFIG,
        "cell": tuple(CONFIG["cell"]),
    }
    assert config.head_dim == 8
    assert config.decay_per_token == pytest.approx(np.exp(-0.8e-6 / 2e-3))


def test_the_config_s_own_fields_win(head):
    assert load_config(head("retention_s = 1e-3\n")).retention_s == 1e-3


def test_energies_of_the_design_count_where_the_table_sets_none(head):
    assert load_analog(head()).key_cell_pj == 0.004
    assert load_analog(head("[analog]\nkey_cell_pj = 0.5\n")).key_cell_pj == 0.5
    assert load_analog(head("[analog]\ndac_bit_pj = 0.5\n")).key_cell_pj == 0.004


def test_a_printed_config_is_the_same_head_without_the_file(head, tmp_path):
    config = load_config(head())
    printed = tmp_path / "printed.toml"
    printed.write_text(config_to_toml(config))
    assert load_config(printed) == config


def test_arrays_and_contract_agree_on_a_head_with_a_design(head):
    config = load_config(head())
    rng = np.random.default_rng(2)
    q = rng.integers(0, config.query_max + 1, (40, config.head_dim))
    k = rng.integers(0, config.key_max + 1, (40, config.head_dim))
    v = rng.integers(0, config.value_max + 1, (40, config.head_dim))
    y = attend(q, k, v, config)
    assert np.any(y != 0)
    assert np.array_equal(run_arrays(q, k, v, config)[0], y)


@pytest.mark.parametrize(
    ("settings", "change", "said"),
    [
        ("", {"format": 7}, "its format is 7, but must be 1"),
        ("", {"levels": {}}, "is no file of gaincell characterise"),
        ("", {"derived": {"config": {}, "analog": {}}}, "no response of a cell"),
        ("clock_s = 2e-9\n", {}, "a full query pulse is 3e-08 s, but design made was measured"),
        ("query_bits = 3\n", {}, "a full query pulse is 7e-09 s"),
        (
            "window = 1024\n",
            {"derived": {"config": {**CONFIG, "retention_s": 1e-5}, "analog": {}}},
            "1024 columns cannot be refreshed within 1.54e-06 s",
        ),
    ],
)
def test_refuses_what_no_head_can_be(head, settings, change, said):
    path = head(settings, {**RECORD, **change})
    with pytest.raises(ValueError, match=re.escape(said)):
        load_config(path)


def test_refuses_a_design_that_is_not_there(tmp_path):
    path = tmp_path / "head.toml"
    path.write_text('cell = "none.json"\n')
    with pytest.raises(ValueError, match=r"none\.json cannot be read"):
        load_config(path)
