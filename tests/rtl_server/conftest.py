"""Heads are compiled as the co-simulation tests compile theirs."""

from gaincell.cocotb_tests.conftest import short_runs

__all__ = ["short_runs"]
