"""A line on stderr for whoever waits while a simulation is built."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig, core_of


@contextmanager
def building(what: str, config: HeadConfig | CoreConfig, shown: bool) -> Iterator[None]:
    """Write what is built for a head or a core, and how many seconds it took."""
    if not shown:
        yield
        return
    started, end = time.monotonic(), "failed"
    core = core_of(config)
    whose = "head" if core.heads == 1 else f"{core.heads} heads"
    print(
        f"building {what} of {whose} D={core.head.head_dim} M={core.head.window} "
        "(once per config) ... ",
        end="",
        flush=True,
        file=sys.stderr,
    )
    try:
        yield
        end = f"{time.monotonic() - started:.0f} s"
    finally:
        print(end, flush=True, file=sys.stderr)
