"""The C library's allocator, told to keep large blocks that tensors give back."""

import ctypes

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""Parameters of glibc's mallopt."""


def keep_freed_memory() -> bool:
    """Let this process keep freed memory for the next tensor; whether the C library is glibc.

    By default glibc maps every large block anew and gives it back when it is freed, and the kernel
    clears each page again. With tensors of 100 MB that takes more than half of the time of
    element-wise work on a CPU (benchmarks/allocator.py).
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(mallopt(_MMAP_MAX, 0) and mallopt(_TRIM_THRESHOLD, 2**31 - 1))
