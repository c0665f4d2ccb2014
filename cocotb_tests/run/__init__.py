"""A co-simulation: compiled, run, and compared with every description of the head."""
