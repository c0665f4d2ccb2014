"""The table [analog] of a config file."""

import pytest

from gaincell.cli import main
from gaincell.config import PRESETS
from gaincell.config_file import load_config
from gaincell.synth.estimate.analog import FIELDS, AnalogConfig, analog_to_toml, load_analog

EVERY_FIELD = AnalogConfig(
    cell_area_um2=0.7,
    converter_area_um2=100,
    dac_area_um2=0,
    key_cell_pj=1 / 3,
    value_cell_pj=0.02,
    published_activity=0.25,
    dac_bit_pj=1e-3,
)


@pytest.fixture
def write(tmp_path):
    """Write a TOML file and return its path."""

    def write(text: str):
        path = tmp_path / "head.toml"
        path.write_text(text)
        return path

    return write


def refusal_of(read, path, expected: type[Exception] = ValueError) -> str:
    with pytest.raises(expected) as caught:
        read(path)
    assert type(caught.value) is expected
    said = str(caught.value)
    assert said.startswith(f"config {path}: ")
    return said.removeprefix(f"config {path}: ")


def test_defaults_are_the_papers_figures_over_the_papers_head():
    analog = AnalogConfig()
    assert analog.key_cell_pj * 64 * 1024 == pytest.approx(1120)
    assert analog.value_cell_pj * 64 * 1024 == pytest.approx(700)
    assert analog.dac_bit_pj * 2 * 64 * 3 == pytest.approx(330)
    assert analog.converter_area_um2 == pytest.approx((500_000 - 131_072) / 2176)


def test_reads_the_table_beside_the_head(write):
    path = write('preset = "tiny"\nsink = 1\n[analog]\ncell_area_um2 = 0.5\n')
    assert load_analog(path) == AnalogConfig(cell_area_um2=0.5)
    assert load_config(path).sink == 1


@pytest.mark.parametrize("text", ["", "sink = 1\n", "[analog]\n"])
def test_a_file_without_constants_has_the_defaults(write, text):
    assert load_analog(write(text)) == AnalogConfig()


def test_a_preset_has_the_defaults():
    assert load_analog("tiny") == AnalogConfig()
    with pytest.raises(ValueError, match='config "gpt3" is neither a file nor a preset'):
        load_analog("gpt3")


def test_what_is_written_reads_back(write):
    text = analog_to_toml(EVERY_FIELD)
    assert load_analog(write(text)) == EVERY_FIELD
    assert load_config(write(text)) == PRESETS["gpt2"]
    for name in FIELDS:
        assert f"{name} =" in text
        assert getattr(EVERY_FIELD, name) != getattr(AnalogConfig(), name)


def test_config_command_prints_the_table(write, capsys):
    path = write('preset = "tiny"\n[analog]\ndac_bit_pj = 0.5\n')
    assert main(["config", str(path)]) == 0
    printed = write(capsys.readouterr().out)
    assert load_analog(printed) == AnalogConfig(dac_bit_pj=0.5)
    assert load_config(printed) == PRESETS["tiny"]


def test_names_the_nearest_key_to_an_unknown_one(write):
    said = refusal_of(load_analog, write("[analog]\ncell_area = 1\n"))
    assert said == '[analog] unknown key "cell_area" (nearest known: "cell_area_um2")'
    said = refusal_of(load_config, write("[analogue]\ncell_area_um2 = 1\n"))
    assert said == 'unknown key "analogue" (nearest known: "analog")'


def test_config_command_refuses_an_unknown_constant(write, capsys):
    assert main(["config", str(write("[analog]\ncell_area = 1\n"))]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert '[analog] unknown key "cell_area"' in captured.err


def test_a_key_of_the_head_below_the_table_is_not_lost(write):
    said = refusal_of(load_config, write("[analog]\ndac_bit_pj = 1\nwindow = 2048\n"))
    assert said == 'key "window" stands in [analog], but must stand before it'


def test_rejects_what_is_no_table(write):
    said = refusal_of(load_analog, write("analog = 3\n"), TypeError)
    assert said == "analog is 3, but must be a table [analog]"


def test_reports_all_problems_at_once(write):
    path = write("[analog]\ncell_area_um2 = -1\npublished_activity = 0\nkey_cell_pj = inf\n")
    assert refusal_of(load_analog, path) == (
        "[analog] cell_area_um2 is -1, but must be at least 0; "
        "[analog] key_cell_pj is inf, but must be finite and at least 0; "
        "[analog] published_activity is 0, but must be above 0 and at most 1"
    )
    said = refusal_of(load_analog, write("[analog]\ndac_bit_pj = true\n"), TypeError)
    assert said == "[analog] dac_bit_pj is True, but must be a number at least 0"


@pytest.mark.parametrize("share", [1.01, -0.5, float("nan")])
def test_rejects_a_share_that_is_none(share):
    with pytest.raises(ValueError, match=r"published_activity is .*, but must be above 0"):
        AnalogConfig(published_activity=share)
