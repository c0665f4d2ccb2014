"""Refresh: every column is visited in turn, and written again with its data or cleared."""
