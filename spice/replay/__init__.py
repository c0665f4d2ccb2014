"""Transistors on the wires of a head's Verilog: the same tokens, code beside code."""
