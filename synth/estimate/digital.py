"""The digital part of a head, as a synthesis run measured it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, overload

from gaincell.config import HeadConfig
from gaincell.tables import is_number

REFERENCE = "synth_reference.json"
"""List of metrics in gaincell/data, those to prefer first."""


@dataclass(frozen=True, kw_only=True)
class Digital:
    """One synthesized digital part, from a run's metrics.json."""

    config: HeadConfig
    library: str
    corner: str
    node_nm: float
    voltage_v: float
    is_estimate: bool
    """The library is the embedded estimate, not one of real cells."""
    options: dict[str, Any]
    """Of the flow: clock gating, memory, clock."""
    area_um2: float
    """Cells and, if there is one, the memory macro, at the library's node."""
    fmax_hz: float | None
    slack_s: float | None
    timing_tool: str
    power_w: float | None
    """At full rate, at the library's node and voltage; None: not computed."""
    energy_per_token_j: float | None

    @classmethod
    def of(cls, metrics: object) -> Digital:
        """Read one metrics object.

        Raises
        ------
        ValueError
            A key is missing, or a value cannot be meant.
        """
        fmax_mhz = _number(metrics, "timing", "fmax_mhz", optional=True)
        slack_ns = _number(metrics, "timing", "slack_ns", optional=True, signed=True)
        has_power = _value(metrics, "power") is not None
        return cls(
            config=_config_of(_section(metrics, "config")),
            library=_text(metrics, "library", "name"),
            corner=_text(metrics, "library", "corner"),
            node_nm=_number(metrics, "library", "node_nm"),
            voltage_v=_number(metrics, "library", "voltage_v"),
            is_estimate=bool(_value(metrics, "library", "estimate")),
            options=_section(metrics, "options"),
            area_um2=_number(metrics, "area", "cells_um2")
            + (_number(metrics, "area", "memory_macro_um2", optional=True) or 0.0),
            fmax_hz=None if fmax_mhz is None else fmax_mhz * 1e6,
            slack_s=None if slack_ns is None else slack_ns * 1e-9,
            timing_tool=_text(metrics, "timing", "tool"),
            power_w=_number(metrics, "power", "total_w") if has_power else None,
            energy_per_token_j=_number(metrics, "energy_per_token_j", optional=True),
        )

    def check_is_of(self, config: HeadConfig) -> None:
        """Raise ValueError unless these are the metrics of ``config``."""
        names = [field.name for field in fields(HeadConfig)]
        pairs = [(name, getattr(self.config, name), getattr(config, name)) for name in names]
        differing = [
            f"{name} {there!r}, not {here!r}" for name, there, here in pairs if there != here
        ]
        if differing:
            raise ValueError(f"metrics are of another config, with {', '.join(differing)}")

    def cautions(self) -> list[str]:
        """What the metrics lack or warn of, a sentence each."""
        found = []
        if self.is_estimate:
            found.append(f"{self.library} is itself an estimate, not a library of real cells")
        if self.slack_s is not None and self.slack_s < 0:
            found.append(f"the netlist misses its clock by {-self.slack_s * 1e9:.2f} ns")
        if self.energy_per_token_j is None:
            found.append("the metrics hold no power, so there is no total of energy")
        return found


def metrics_of(config: HeadConfig, path: Path | None = None) -> Digital | None:
    """Metrics of ``config``: the file's, else those shipped for it; None: none are.

    Raises
    ------
    ValueError
        The file cannot be read, or its metrics are of another config.
    """
    if path is None:
        return reference_metrics(config)
    digital = load_metrics(path)
    digital.check_is_of(config)
    return digital


def load_metrics(path: Path) -> Digital:
    """The metrics.json of one run.

    Raises
    ------
    ValueError
        Unreadable file, no JSON, or not what the flow writes.
    """
    try:
        return Digital.of(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ValueError(f"metrics {path} cannot be read: {error.strerror}") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"metrics {path} is not valid JSON: {error}") from error
    except ValueError as error:
        raise ValueError(f"metrics {path}: {error}") from error


def reference_metrics(config: HeadConfig, shipped: Traversable | None = None) -> Digital | None:
    """The first of the metrics shipped with the package that are of ``config``; None: none are."""
    shipped = files("gaincell.data") / REFERENCE if shipped is None else shipped
    if not shipped.is_file():
        return None
    listed = map(Digital.of, json.loads(shipped.read_text(encoding="utf-8")))
    return next((digital for digital in listed if digital.config == config), None)


def _config_of(changed: dict[str, Any]) -> HeadConfig:
    known = {field.name for field in fields(HeadConfig)}
    if unknown := sorted(set(changed) - known):
        raise ValueError(f"its config has the unknown field {', '.join(unknown)}")
    try:
        return HeadConfig(**changed)
    except (TypeError, ValueError) as error:
        raise ValueError(f"its config is no head's: {error}") from error


def _value(metrics: object, *keys: str) -> object:
    """What lies under ``keys``; None where the last is absent."""
    for key in keys:
        if not isinstance(metrics, dict):
            raise ValueError(f'it is not what gaincell synth writes: no object holds "{key}"')
        metrics = metrics.get(key)
    return metrics


def _section(metrics: object, key: str) -> dict[str, Any]:
    found = _value(metrics, key)
    if not isinstance(found, dict):
        raise ValueError(f'it is not what gaincell synth writes: "{key}" is no object')
    return found


def _text(metrics: object, *keys: str) -> str:
    found = _value(metrics, *keys)
    if not isinstance(found, str):
        raise ValueError(f"{'.'.join(keys)} is {json.dumps(found)}, but must be a string")
    return found


@overload
def _number(metrics: object, *keys: str) -> float: ...
@overload
def _number(metrics: object, *keys: str, optional: bool, signed: bool = False) -> float | None: ...
def _number(
    metrics: object, *keys: str, optional: bool = False, signed: bool = False
) -> float | None:
    found: Any = _value(metrics, *keys)
    if found is None and optional:
        return None
    if is_number(found) and math.isfinite(found) and (signed or found > 0):
        return float(found)
    bound = "a finite number" if signed else "a finite number above 0"
    raise ValueError(f"{'.'.join(keys)} is {json.dumps(found)}, but must be {bound}")
