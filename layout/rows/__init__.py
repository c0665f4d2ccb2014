"""Subcircuits drawn as two rows of transistors, with capacitors over them."""
