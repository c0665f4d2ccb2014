"""Perplexity and benchmark tasks of a converted model and its baselines."""
