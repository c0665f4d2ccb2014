"""Heads in lock step under one control, and streams that carry them in beats."""
