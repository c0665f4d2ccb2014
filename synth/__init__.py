"""From Verilog to area, timing and power; not part of this release."""
