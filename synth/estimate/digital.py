"""The digital part of a head, alone or in a core, from the metrics.json of a synthesis run."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from gaincell.config import HeadConfig
from gaincell.synth.metrics import Metrics, read_metrics
from gaincell.tables import read_json

REFERENCE = "synth_reference.json"
"""File in gaincell/data: a list of metrics, the preferred ones first."""


@dataclass(frozen=True, kw_only=True)
class Digital:
    """One synthesized digital part, from a run's metrics.json; of a core, each head's share."""

    config: HeadConfig
    library: str
    corner: str
    node_nm: float | None
    """None: not known."""
    voltage_v: float
    is_estimate: bool
    """The library is the embedded estimate, not one of real cells."""
    options: dict[str, Any]
    """Of the flow: clock gating, memory, clock."""
    area_um2: float
    """Cells, at the library's node."""
    fmax_hz: float | None
    slack_s: float | None
    timing_tool: str
    power_w: float | None
    """At full rate, at the library's node and voltage; None: not computed."""
    energy_per_token_j: float | None
    heads: int = 1
    """H, of the core that was synthesized: area, power and energy are an H-th of its own."""
    run_cautions: tuple[str, ...] = ()
    """What the run itself says that its numbers lack."""

    @property
    def node(self) -> str:
        """The library's node as text."""
        return "unknown node" if self.node_nm is None else f"{self.node_nm:g} nm"

    @classmethod
    def of(cls, metrics: Metrics, node_nm: float | None = None) -> Digital:
        """The digital part of a run; ``node_nm`` goes before the node that the metrics tell.

        Raises
        ------
        ValueError
            The config is no head's, or heads of the core share keys.
        """
        library, area, timing = metrics.library, metrics.area, metrics.timing
        heads, power, energy_j = metrics.heads, metrics.power, metrics.energy_per_token_j
        if (metrics.core or {}).get("heads_per_group", 1) > 1:
            raise ValueError(
                "it is of a core whose heads share keys, whose estimate would take other arrays: "
                "give metrics of a core with heads_per_group = 1"
            )
        return cls(
            config=_config_of(metrics.config),
            library=library.name,
            corner=library.corner,
            node_nm=library.node_nm if node_nm is None else node_nm,
            voltage_v=float(library.voltage_v),
            is_estimate=library.estimate,
            options=metrics.options,
            area_um2=area.cells_um2 / heads,
            fmax_hz=None if timing.fmax_mhz is None else timing.fmax_mhz * 1e6,
            slack_s=None if timing.slack_ns is None else timing.slack_ns * 1e-9,
            timing_tool=timing.tool,
            power_w=None if power is None else power.total_w / heads,
            energy_per_token_j=None if energy_j is None else energy_j / heads,
            heads=heads,
            run_cautions=tuple(metrics.cautions or ()),
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
        """One sentence on each thing that the metrics lack or that limits them."""
        said = list(self.run_cautions)
        if self.is_estimate:
            said.append(f"{self.library} is itself an estimate, not a library of real cells")
        if self.slack_s is not None and self.slack_s < 0:
            said.append(f"the netlist misses its clock by {-self.slack_s * 1e9:.2f} ns")
        if self.energy_per_token_j is None:
            said.append("the metrics hold no power, so there is no total of energy")
        return said


def metrics_of(
    config: HeadConfig, path: Path | None = None, node_nm: float | None = None
) -> Digital | None:
    """Metrics of ``config``: the file's, else the shipped ones; None: the package has none of it.

    ``node_nm`` goes before the node that the file tells.

    Raises
    ------
    ValueError
        The file cannot be read, or its metrics are of another config.
    """
    if path is None:
        return reference_metrics(config)
    digital = load_metrics(path, node_nm)
    try:
        digital.check_is_of(config)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return digital


def load_metrics(path: Path, node_nm: float | None = None) -> Digital:
    """The metrics.json of one run; ``node_nm`` goes before the node that it tells.

    Raises
    ------
    ValueError
        Unreadable file, no JSON, or not what the flow writes.
    """
    metrics = read_json(path, "metrics")
    try:
        return Digital.of(read_metrics(metrics), node_nm)
    except ValueError as error:
        raise ValueError(f"metrics {path}: {error}") from error


def reference_metrics(config: HeadConfig, shipped: Traversable | None = None) -> Digital | None:
    """The first shipped metrics of ``config``; None: the package has none of it."""
    shipped = files("gaincell.data") / REFERENCE if shipped is None else shipped
    if not shipped.is_file():
        return None
    listed = json.loads(shipped.read_text(encoding="utf-8"))
    parts = (Digital.of(read_metrics(metrics)) for metrics in listed)
    return next((digital for digital in parts if digital.config == config), None)


def _config_of(changed: dict[str, Any]) -> HeadConfig:
    known = {field.name for field in fields(HeadConfig)}
    if unknown := sorted(set(changed) - known):
        raise ValueError(f"its config has the unknown field {', '.join(unknown)}")
    try:
        return HeadConfig(**changed)
    except (TypeError, ValueError) as error:
        raise ValueError(f"its config is no head's: {error}") from error
