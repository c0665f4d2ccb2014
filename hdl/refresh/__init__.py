"""Refresh: visits every column in turn and writes it again, with its data or with code 0."""
