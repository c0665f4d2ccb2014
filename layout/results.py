"""The file of figures that each drawing leaves."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

METRICS = "metrics.json"


def write_metrics(metrics: "DataclassInstance", folder: Path) -> None:
    """Write all fields into the ``METRICS`` of a folder."""
    text = json.dumps(asdict(metrics), indent=1)
    (folder / METRICS).write_text(f"{text}\n", encoding="utf-8")
