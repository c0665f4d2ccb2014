"""A self-checking test bench in plain Verilog, for users without Python."""
