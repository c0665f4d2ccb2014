"""A head whose control breaks a rule of the arrays."""

from dataclasses import replace

from gaincell.config import HeadConfig
from gaincell.hdl.verilog import head_verilog
from gaincell.schedule import Span


def spoilt_verilog(config: HeadConfig) -> str:
    """Verilog whose K write runs into the read of K."""
    timing = config.timing
    late = Span(timing.k_write.start + 2, timing.k_write.end + 2)
    return head_verilog(config, timing=replace(timing, k_write=late))
