"""What ``keep_freed_memory`` of ``gaincell.ml.process`` saves: operations on large tensors."""

import time

import torch

from gaincell.ml.process.memory import keep_freed_memory

ROUNDS = 5


def seconds(x: torch.Tensor) -> float:
    """Wall time of ``ROUNDS`` of three operations, each into a new tensor."""
    begin = time.perf_counter()
    for _ in range(ROUNDS):
        y = x.clamp(0, 1)
        y = y * 2
        y = y + x
    return time.perf_counter() - begin


def main() -> None:
    x = torch.randn(16 * 9 * 512, 512)  # 151 MB
    seconds(x)
    before = seconds(x)
    keep_freed_memory()
    seconds(x)
    after = seconds(x)
    print(f"freed memory given back {before:.2f} s, kept {after:.2f} s, ratio {before / after:.1f}")


if __name__ == "__main__":
    main()
