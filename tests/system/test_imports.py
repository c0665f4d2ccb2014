import gc
import subprocess
import sys

import pytest

from gaincell.system.imports import large_imports

ENDING = """
import atexit, gc
atexit.register(lambda: print(gc.get_freeze_count() > 1000))
from gaincell.system.imports import large_imports
with large_imports():
    pass
"""


def test_no_cycle_is_searched_for_in_the_block_and_some_are_after_it():
    assert gc.isenabled()
    with large_imports():
        before = gc.get_stats()
        kept = [[] for _ in range(100_000)]
        assert gc.get_stats() == before
        assert len(kept) == 100_000
    assert gc.isenabled()


def failing_import():
    with large_imports():
        raise ImportError


def test_a_failed_import_leaves_the_searches_on():
    with pytest.raises(ImportError):
        failing_import()
    assert gc.isenabled()


def test_a_process_that_searches_for_none_is_left_so():
    gc.disable()
    try:
        with large_imports():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.parametrize("before", ["", "import sys; sys.modules['triton._C.libtriton'] = None"])
def test_what_is_there_at_the_end_is_not_searched_unless_that_would_be_told(before):
    command = [sys.executable, "-c", before + ENDING]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"{not before}\n"
