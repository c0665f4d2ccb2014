"""Reads of tokens to come, computed for a block of them at once."""
