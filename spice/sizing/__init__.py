"""Sizes a design: what each size costs, and the one that meets stated goals at the least energy."""
