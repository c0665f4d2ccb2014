"""From Verilog to area, timing, power and energy per token; libraries of cells; estimates."""
