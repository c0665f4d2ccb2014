"""From Verilog to area, timing, power and energy per token: steps, libraries of cells, estimates."""
