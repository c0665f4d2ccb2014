"""Subcircuits drawn as two rows of transistors, with a line of metal for each net."""
