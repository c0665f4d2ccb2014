"""What the gain-cell arrays compute, in numpy: whole sequences, and cycle by cycle on the wires."""
