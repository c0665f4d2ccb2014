"""Finds our values. A source such as "config:latency_ns" names a place and a figure there."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from gaincell.cell import LINEAR
from gaincell.config import PRESETS, HeadConfig
from gaincell.config_file import config_from_table
from gaincell.design_file import records_beside
from gaincell.ledger.tiles import Moved, moved_by_position
from gaincell.synth.estimate.activity import measure_activity
from gaincell.synth.estimate.analog import AnalogConfig
from gaincell.synth.estimate.comparison import Mark, Row, compare
from gaincell.synth.estimate.digital import reference_metrics
from gaincell.synth.estimate.system import Estimate
from gaincell.synth.estimate.transistors import transistors_of
from gaincell.tables import is_number, nearest, parse_toml

NUMBER = r"[-+]?\d[\d ]*(?:\.\d+)?(?:e[-+]?\d+)?"
BAND = re.compile(rf"({NUMBER})(?:\.\.({NUMBER}))?")
"""A number, or the two ends of a band: 4244..19631."""
FIGURES: dict[str, Callable[[HeadConfig], float | tuple[float, ...]]] = {
    "latency_ns": lambda config: config.latency_cycles * config.clock_s * 1e9,
    "interval_ns": lambda config: config.interval_cycles * config.clock_s * 1e9,
    "clock_mhz": lambda config: 1e-6 / config.clock_s,
    "pulse_ns": lambda config: config.pulse_cycles * config.clock_s * 1e9,
    "head_dim": lambda config: config.head_dim,
    "window": lambda config: config.window,
    "sub_tile": lambda config: (config.head_dim, config.columns),
    "sub_tiles": lambda config: config.ring_tiles,
    "query_levels": lambda config: config.query_max + 1,
    "stored_levels": lambda config: (config.key_max + 1, config.value_max + 1),
    "count_levels": lambda config: config.readout_max + 1,
    "readout_codes": lambda config: 2 * config.readout_max + 1,
    "score_saturation": lambda config: config.s_sat,
    "output_saturation": lambda config: config.a_sat,
    "voltages": lambda config: (config.full_scale_v, config.center_v),
    "cell_coefficients": lambda config: config.cell_coefficients,
    "linear_slope": lambda _: LINEAR[1],
    "retention_ms": lambda config: config.retention_s * 1e3,
    "token_us": lambda config: config.token_s * 1e6,
    "decay_per_token": lambda config: -math.log(config.decay_per_token),
    "bound_ms": lambda config: config.refresh_s * 1e3,
    "retention_error": lambda config: config.retention_error_limit,
}
"""Figures of a head that "config:" can name. The decay is given as its exponent."""


@dataclass(frozen=True, kw_only=True)
class Ours:
    """One of our values: one number, or several that belong together.

    low : the optimistic end of a band, of which ``values`` is the pessimistic end
    built : the value comes from the paper's own number, so that agreement proves nothing
    """

    values: tuple[float, ...]
    low: tuple[float, ...] | None = None
    built: bool = False


def known(name: str, names: Iterable[str], what: str) -> str:
    """``name`` if it is one of ``names``, else ValueError with the nearest."""
    names = list(names)
    if name in names:
        return name
    raise ValueError(f'unknown {what} "{name}"{nearest(name, names)}')


def look_up(source: str, root: Path) -> Ours:
    """The value that ``source`` names; paths in it are relative to ``root``.

    Raises
    ------
    ValueError
        The kind, the file, the key or the row is unknown.
    """
    kind, _, what = source.partition(":")
    extractor = KINDS[known(kind, KINDS, "source")]
    try:
        return extractor(what, root)
    except (TypeError, ValueError) as error:
        raise ValueError(f'source "{source}": {error}') from error


@cache
def default_estimate() -> Estimate:
    """What ``gaincell estimate --config gpt2`` prints."""
    from gaincell.behavioral.tokens import typical_tokens

    config = PRESETS["gpt2"]
    digital = reference_metrics(config)
    assert digital is not None, "metrics of the default head are shipped"
    activity = measure_activity(*typical_tokens(config, 0), config)
    return Estimate(config=config, analog=AnalogConfig(), activity=activity, digital=digital)


@cache
def default_rows() -> dict[str, Row]:
    """The rows of ``gaincell estimate --config gpt2``, by name."""
    return {row.name: row for row in compare(default_estimate())}


@cache
def transistor_rows() -> dict[str, dict[str, Row]]:
    """The same command's rows of each shipped design, by its name and theirs."""
    estimate = default_estimate()
    records = records_beside({}, Path())
    designs = transistors_of(records, estimate.config, estimate.activity)
    return {each.name: {row.name: row for row in each.rows(estimate)} for each in designs}


def _config(what: str, root: Path) -> Ours:
    """config:FIGURE, or config:FIGURE:key=value,..., of the default head."""
    name, _, changes = what.partition(":")
    figure = FIGURES[known(name, FIGURES, "figure")]
    value = figure(config_from_table(parse_toml(changes.replace(",", "\n").encode(), changes)))
    return Ours(values=value if isinstance(value, tuple) else (value,))


def _estimate(what: str, root: Path) -> Ours:
    """estimate:ROW, a row of ``gaincell estimate`` beside the paper."""
    rows = default_rows()
    row = rows[known(what, rows, "row")]
    band = row.ours
    low = None if band.low == band.high else (band.low,)
    return Ours(values=(band.verdict,), low=low, built=row.mark is Mark.PAPER)


def _transistors(what: str, root: Path) -> Ours:
    """transistors:DESIGN:ROW, a row of ``gaincell estimate`` with a design's analog half."""
    name, _, wanted = what.partition(":")
    rows = transistor_rows()
    found = rows[known(name, rows, "design")]
    band = found[known(wanted, found, "row")].ours
    low = None if band.low == band.high else (band.low,)
    return Ours(values=(band.verdict,), low=low)


def _json(what: str, root: Path) -> Ours:
    """json:PATH:KEY/KEY/..., a number in a JSON file; in a list a key is a position from 0."""
    path, _, keys = what.partition(":")
    try:
        value: Any = json.loads(_text(root, path))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from error
    for key in keys.split("/"):
        if isinstance(value, list):
            value = value[int(known(key, map(str, range(len(value))), "position"))]
        elif isinstance(value, dict):
            value = value[known(key, value, "key")]
        else:
            raise ValueError(f'"{key}" follows a value that is neither a list nor an object')
    return Ours(values=(_finite(value),))


def _table(what: str, root: Path) -> Ours:
    """table:PATH:CELL|CELL:HEAD, the first number of one cell in a table of a page, or a band.

    The cells name the row, by its first cells. HEAD names the column, by how its head begins.
    """
    path, _, place = what.partition(":")
    row, _, head = place.partition(":")
    first = row.split("|")
    heads: list[str] = []
    matches = []
    for line in _text(root, path).splitlines():
        if not line.startswith("|"):
            heads = []
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        heads = heads or cells
        columns = [n for n, each in enumerate(heads) if each.startswith(head)]
        if cells[: len(first)] == first and len(columns) == 1 and columns[0] < len(cells):
            matches.append(cells[columns[0]])
    if len(matches) != 1:
        raise ValueError(f'{len(matches)} cells of {path} fit "{row}" and "{head}", not one')
    number = BAND.search(matches[0])
    if number is None:
        raise ValueError(f'the cell "{matches[0]}" holds no number')
    ends = [_finite(float(each.replace(" ", ""))) for each in number.groups() if each is not None]
    return Ours(values=(ends[-1],), low=(ends[0],) if len(ends) == 2 else None)


def _tiles(what: str, root: Path) -> Ours:
    """tiles:share or tiles:rms, the error of sub-tiles that are cut by position."""
    name = known(what, (each.name for each in fields(Moved)), "figure")
    return Ours(values=(getattr(moved_by_position(), name),))


KINDS: dict[str, Callable[[str, Path], Ours]] = {
    "config": _config,
    "estimate": _estimate,
    "transistors": _transistors,
    "json": _json,
    "table": _table,
    "tiles": _tiles,
}


def _text(root: Path, path: str) -> str:
    try:
        return (root / path).read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not text: {error}") from error


def _finite(value: Any) -> float:
    if not is_number(value) or not math.isfinite(value):
        raise ValueError(f"{json.dumps(value)[:40]} is no finite number")
    return float(value)
