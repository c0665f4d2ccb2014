"""Imports of large libraries in less time."""

import atexit
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

TELL_LEAKS = "triton._C.libtriton"
"""A module that would report what no search has freed at the end, in many lines."""


@contextmanager
def large_imports() -> Iterator[None]:
    """Import in the block without a search for cycles; nor is there one when the process ends.

    What libraries define is a million objects, and all of them stay. The searches would take a
    third of the time of an import and an end.
    """
    searching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searching:
            gc.enable()
        atexit.unregister(_leave_all)  # once is enough
        atexit.register(_leave_all)


def _leave_all() -> None:
    if TELL_LEAKS not in sys.modules:
        gc.freeze()
