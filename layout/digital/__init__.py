"""Placement of a mapped head in sky130, its clock tree, wires, timing, power and pictures."""
