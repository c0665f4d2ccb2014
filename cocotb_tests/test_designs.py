"""Heads with the cells of our characterised designs: Verilog, arrays and contract agree."""

from pathlib import Path

import numpy as np
import pytest

from gaincell.behavioral.tokens import typical_tokens
from gaincell.cocotb_tests.run.verify import verify
from gaincell.config_file import load_config
from gaincell.design_file import design_of, shipped_designs

pytestmark = pytest.mark.cosim


def head(folder: Path, text: str) -> Path:
    path = folder / "head.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", shipped_designs())
def test_a_small_head_of_every_design_is_exact(tmp_path: Path, name: str) -> None:
    # eight columns are few enough for the refresh of any design; the converters are for 64 cells
    design = design_of({"cell": name}, tmp_path)
    assert design is not None
    small = f"""
preset = "tiny"
window = 8
columns = 4
cell = "{name}"
score_saturation = {design.config["score_saturation"] * 8 / 64}
output_saturation = {design.config["output_saturation"] * 4 / 64}
"""
    config = load_config(head(tmp_path, small))
    tokens, _ = typical_tokens(config, seed=3)
    simulated = verify(config, tokens[:200])
    assert np.unique(simulated.y_code).size > 5


def test_the_long_design_keeps_the_columns_of_the_default_head(tmp_path: Path) -> None:
    config = load_config(head(tmp_path, 'cell = "freepdk45_long"\n'))
    tokens, _ = typical_tokens(config, seed=3)
    simulated = verify(config, tokens[:150])
    assert np.unique(simulated.y_code).size > 20


def test_no_refresh_keeps_the_columns_of_the_default_head_in_thin_oxide(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="1024 columns cannot be refreshed within"):
        load_config(head(tmp_path, 'cell = "freepdk45"\n'))
