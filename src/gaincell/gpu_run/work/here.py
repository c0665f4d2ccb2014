"""The device that a part runs on, and the software's versions, for its record."""

from __future__ import annotations

from typing import Any

import torch

from gaincell.gpu_bench.machine import machine_of
from gaincell.versions import versions


def here() -> dict[str, Any]:
    numbers = versions("torch", "transformers", "triton")
    if torch.version.cuda is not None:
        numbers["cuda"] = torch.version.cuda
    return {"device": machine_of(None).name, "versions": numbers}
