"""A line on stderr for whoever waits while a simulation is built."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from gaincell.config import HeadConfig


@contextmanager
def building(what: str, config: HeadConfig, shown: bool) -> Iterator[None]:
    """Write what is built for the head of ``config``, and how many seconds it took."""
    if not shown:
        yield
        return
    started, end = time.monotonic(), "failed"
    print(
        f"building {what} of head D={config.head_dim} M={config.window} (once per config) ... ",
        end="",
        flush=True,
        file=sys.stderr,
    )
    try:
        yield
        end = f"{time.monotonic() - started:.0f} s"
    finally:
        print(end, flush=True, file=sys.stderr)
