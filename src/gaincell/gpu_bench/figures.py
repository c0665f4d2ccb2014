"""Attention on GPUs in figures: what was published, and files of ``gaincell bench-gpu``.

Needs no torch.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gaincell.config import HeadConfig
from gaincell.gpu_bench.records import AUTHORS_BATCH, Bench, Device, Energy, Row, Settings
from gaincell.tables import build, is_number, read_json

FORMAT = 1
"""Of the JSON file."""

AUTHORS = "NathanLeroux-git/GainCellAttention, tests_divers/"
"""The authors' public repository, with the script and its results."""
PAPER = "Leroux et al., Nature Computational Science 5, 813 (2025)"
AUTHORS_NOTES = (
    f"host clock without synchronisation, over a batch of {AUTHORS_BATCH} and divided by it",
    "the script's switch, as published, is at two products without softmax; its other branch is "
    "SDPA with is_causal, in which the one query sees one key; the file of results does not say "
    "which branch it is from",
    "energy is the mean of samples of power less that before the run, times this latency",
)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """Latency and energy of one token that were not measured here."""

    case: str
    label: str
    """How the figure came about: published or simulated."""
    heads: int
    """Heads that work at the same time; the energy is theirs together."""
    latency_s: float
    energy_j: float | None = None
    above_idle: bool = False
    """Whether the energy of an idle GPU is left out."""
    source: str
    notes: tuple[str, ...] = ()


def published() -> tuple[Figure, ...]:
    """The authors' two GPUs (12 heads of 64, window 1024) and the paper's head."""
    gpu: dict[str, Any] = {
        "label": "published",
        "heads": 12,
        "above_idle": True,
        "notes": AUTHORS_NOTES,
    }
    return (
        Figure(
            case="RTX 4090, authors' script",
            latency_s=2.2371650629793294e-05,
            energy_j=0.007178261876106262,
            source=f"{AUTHORS}nvidia_4090_attention.json",
            **gpu,
        ),
        Figure(
            case="Jetson Nano, authors' script",
            latency_s=0.0004888500552624464,
            energy_j=0.0032457683701068163,
            source=f"{AUTHORS}nvidia_jetson_attention.json",
            **gpu,
        ),
        Figure(
            case="the paper's head",
            label="published",
            heads=1,
            latency_s=65e-9,
            energy_j=6.1e-9,
            source=PAPER,
        ),
    )


def ours(config: HeadConfig | None = None) -> Figure:
    """Latency of this project's head; the default one unless ``config`` is given.

    ``gaincell estimate`` computes its energy, which depends on a synthesis.
    """
    config = HeadConfig() if config is None else config
    return Figure(
        case="gaincell's head",
        label="simulated",
        heads=1,
        latency_s=config.latency_cycles * config.clock_s,
        source=f"{config.latency_cycles} cycles of the Verilog",
    )


FOLLOWS = ("case", "median_s", "lowest_s", "highest_s", "per_token_s")
ENERGY_FOLLOWS = ("per_token_j", "per_token_above_idle_j")
"""Keys of the file that are computed anew when it is read."""


def as_json(bench: Bench) -> dict[str, Any]:
    """The file of a bench, with the figures that it stands beside."""
    return {
        "format": FORMAT,
        "device": asdict(bench.device),
        "versions": bench.versions,
        "settings": asdict(bench.settings),
        "idle_power_w": bench.idle_power_w,
        "rows": [row.as_json() for row in bench.rows],
        "published": [asdict(figure) for figure in published()],
        "ours": asdict(ours()),
        "notes": list(bench.notes),
    }


def load_bench(path: Path) -> Bench:
    """The file that ``gaincell bench-gpu -o`` wrote, or the records of a prepared run with it.

    Raises
    ------
    ValueError
        Unreadable, no JSON, or not what the command writes.
    """
    found = read_json(path, "bench")
    if isinstance(found, dict) and isinstance(found.get("bench"), dict):
        found = found["bench"].get("figures")
    try:
        return _bench_of(found)
    except (TypeError, ValueError) as error:
        raise ValueError(f"bench {path}: {error}") from error


def _bench_of(found: object) -> Bench:
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError(f'it is not what gaincell bench-gpu writes: no "format": {FORMAT}')
    rows, notes, versions = found.get("rows"), found.get("notes"), found.get("versions")
    idle = found.get("idle_power_w")
    if not isinstance(rows, list) or not rows:
        raise ValueError('"rows" must be a list, not empty')
    if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
        raise ValueError('"notes" must be a list of strings')
    if not isinstance(versions, dict) or not all(isinstance(v, str) for v in versions.values()):
        raise ValueError('"versions" must be an object of strings')
    if idle is not None and not (is_number(idle) and 0 <= idle < math.inf):
        raise ValueError(f"idle_power_w is {json.dumps(idle)}, but must be at least 0, or null")
    return Bench(
        device=build(Device, found.get("device"), "device"),
        versions=versions,
        settings=build(Settings, found.get("settings"), "settings"),
        idle_power_w=idle,
        rows=tuple(_row_of(row, f"row {number}") for number, row in enumerate(rows)),
        notes=tuple(notes),
    )


def _row_of(found: object, name: str) -> Row:
    if not isinstance(found, dict):
        raise ValueError(f"{name} must be an object")
    row = {key: value for key, value in found.items() if key not in FOLLOWS}
    energy = row.get("energy")
    if energy is not None:
        if not isinstance(energy, dict):
            raise ValueError(f"{name}'s energy must be an object, or null")
        kept = {key: value for key, value in energy.items() if key not in ENERGY_FOLLOWS}
        row["energy"] = build(Energy, kept, f"{name}, energy")
    return build(Row, row, name)
