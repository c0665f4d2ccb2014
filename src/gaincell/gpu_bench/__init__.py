"""Attention of one new token on a GPU, or a CPU, timed and metered: ``gaincell bench-gpu``."""
