"""The Verilog test bench of a head, and how Python feeds it and plays the arrays around it."""
