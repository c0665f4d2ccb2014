"""Analog in-memory attention: digital control, gain-cell arrays and models as one machine."""

__version__ = "0.7.0"
