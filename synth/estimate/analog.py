"""Area and energy of the analog parts of a head: constants, and numbers of parts.

Every default is the paper's own figure spread over the paper's own head (Leroux et al., Nature
Computational Science 5, 813, 2025; 28 nm): head_dim D = 64, window M = 1024, columns N = 64. An
estimate scales these figures to other geometries and activities; it proves nothing about the paper.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from gaincell.config import HeadConfig
from gaincell.config_file import ANALOG_TABLE, read_table
from gaincell.design_file import design_of
from gaincell.tables import Table, build, number

PAPER_CELLS = 64 * 1024
"""D M, cells of the paper's K array, and of its V array."""
PAPER_CONVERTERS = 1024 + 16 * 64
"""M of the first stage, one per column; M/N D of the second, one per sub-tile and dimension."""
PAPER_DACS = 2 * 64
"""D for a column of K, D for one of V."""
PAPER_HEAD_UM2 = 0.5e6
"""The paper's head with its digital control, um2."""
PAPER_REST_UM2 = PAPER_HEAD_UM2 - 2 * PAPER_CELLS * 1.0
"""The paper's head less its cells of 1 um2."""


@dataclass(frozen=True, kw_only=True)
class AnalogConfig(Table):
    """Areas and energies of cells, converters and DACs at 28 nm, 0.9 V.

    Raises
    ------
    TypeError
        A field is no number. All problems are reported in one message.
    ValueError
        A field is out of its range. All problems are reported in one message.
    """

    cell_area_um2: float = number(1.0, low=0)
    """One gain cell of 6 transistors, um2, >= 0 (paper: about 1)."""
    converter_area_um2: float = number(PAPER_REST_UM2 / (PAPER_CONVERTERS + PAPER_DACS), low=0)
    """One charge-to-pulse converter of either stage, um2, >= 0. The paper gives no split of its
    0.5 mm2: all of it but the cells, its digital control included, is spread evenly over
    converters and DACs, (500 000 - 131 072) / (2048 + 128) = 169.5. Too much, therefore."""
    dac_area_um2: float = number(PAPER_REST_UM2 / (PAPER_CONVERTERS + PAPER_DACS), low=0)
    """One DAC of a written code, um2, >= 0; from the same division as ``converter_area_um2``."""

    key_cell_pj: float = number(1120 / PAPER_CELLS, low=0)
    """First dot product, converters included, per K cell and query, pJ, >= 0: the paper's 1120 pJ
    over 64 x 1024 cells, pulses as long as the paper's were (``published_activity``)."""
    value_cell_pj: float = number(700 / PAPER_CELLS, low=0)
    """Second dot product, likewise, per V cell and query, pJ, >= 0: 700 pJ over 1024 x 64."""
    published_activity: float = number(0.5, above=0, high=1)
    """Mean length of the pulses behind the two figures above, fraction of a full pulse, above 0,
    at most 1. The paper does not give it. Pulses of evenly distributed length have a mean of 0.5,
    and so have the quantised queries of a language model."""
    dac_bit_pj: float = number(330 / (PAPER_DACS * 3), low=0)
    """DACs, per bit of a written code, pJ, >= 0: the paper's 330 pJ over 128 codes of 3 bits."""


FIELDS = tuple(field.name for field in fields(AnalogConfig))


@dataclass(frozen=True, kw_only=True)
class Parts:
    """How many of each analog part a head has."""

    cells: int
    """Gain cells of K and V."""
    score_converters: int
    """First stage: one per column; twice as many with the schedule "paired"."""
    output_converters: int
    """Second stage: one per sub-tile and dimension; twice as many with the schedule "paired"."""
    dacs: int
    """One per element of a key and of a value."""

    @classmethod
    def of(cls, config: HeadConfig) -> Parts:
        """The parts of ``config``'s head, its sink included."""
        stored = config.stored_columns
        copies = config.timing.banks
        return cls(
            cells=2 * config.head_dim * stored,
            score_converters=copies * stored,
            output_converters=copies * config.tiles * config.head_dim,
            dacs=2 * config.head_dim,
        )


@dataclass(frozen=True, kw_only=True)
class Activity:
    """Mean length of the pulses on the arrays, fraction of a full pulse, 0..1.

    Raises
    ------
    ValueError
        A mean outside 0..1.
    """

    key: float
    """Query pulses: mean of q / q_max over tokens and dimensions."""
    value: float
    """Score pulses: mean of phi over tokens and stored columns, 0 where no token is stored."""
    source: str
    """Where the tokens come from."""

    def __post_init__(self) -> None:
        for name in ("key", "value"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} activity is {getattr(self, name)}, but must be 0..1")


def load_analog(source: str | Path) -> AnalogConfig:
    """The table ``[analog]`` of the TOML file that ``load_config`` reads; defaults without one.

    Where ``cell`` is a characterised design, its energies count where the table sets none.

    Raises
    ------
    ValueError
        Unreadable file, unknown key in the table, value out of range.
    TypeError
        ``analog`` is no table, or a key of it no number.
    """
    whole = read_table(source)
    try:
        return analog_of(whole, Path(source).parent)
    except (TypeError, ValueError) as error:
        raise type(error)(f"config {source}: {error}") from error


def analog_of(whole: Mapping[str, Any], folder: Path) -> AnalogConfig:
    """The constants in a config file's table. Raises as ``load_analog``.

    A design's file is found relative to ``folder``.
    """
    table = whole.get(ANALOG_TABLE, {})
    design = design_of(whole, folder)
    if design is not None and isinstance(table, Mapping):
        table = {**design.analog, **table}
    return build(AnalogConfig, table, ANALOG_TABLE)


def analog_to_toml(analog: AnalogConfig) -> str:
    """Every field of ``analog`` as the TOML table ``[analog]``."""
    lines = [f"{name} = {json.dumps(getattr(analog, name))}" for name in FIELDS]
    return "\n".join([f"[{ANALOG_TABLE}]", *lines]) + "\n"
