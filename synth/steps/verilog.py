"""First step: the head, or the core, in Verilog."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig
from gaincell.hdl.verilog import head_verilog
from gaincell.synth.steps import step


@dataclass(frozen=True, kw_only=True)
class Inputs:
    config: HeadConfig | CoreConfig
    folder: Path


@dataclass(frozen=True, kw_only=True)
class Outputs(step.Outputs):
    verilog: str
    verilog_bytes: int

    def report(self) -> dict[str, Any]:
        return {"bytes": self.verilog_bytes}


def run(inputs: Inputs) -> Outputs:
    """Write head.v."""
    text = head_verilog(inputs.config)
    (inputs.folder / "head.v").write_text(text)
    return Outputs(verilog=text, verilog_bytes=len(text))
