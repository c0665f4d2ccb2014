"""TensorBoard curves, and the progress bar of a stage."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Protocol

from tqdm import tqdm


class Watcher(Protocol):
    """Follows a training, step by step, in the first process."""

    def begin(self, stage: str, steps: int, done: int) -> None: ...

    def step(self, numbers: dict[str, float]) -> None: ...

    def score(self, perplexity: float) -> None: ...

    def end(self) -> None: ...


class Bar:
    """A progress bar with loss and tokens per second; scores as lines above it."""

    def __init__(self, tokens_per_step: int) -> None:
        self.tokens_per_step = tokens_per_step
        self.bar: Any = None
        self.stage, self.done, self.steps, self.begun = "", 0, 0, 0.0

    def begin(self, stage: str, steps: int, done: int) -> None:
        self.stage, self.done, self.steps, self.begun = stage, done, 0, time.perf_counter()
        self.bar = tqdm(total=steps, initial=done, desc=stage, unit="step", disable=None)

    def step(self, numbers: dict[str, float]) -> None:
        self.steps += 1
        rate = self.steps * self.tokens_per_step / (time.perf_counter() - self.begun)
        self.bar.set_postfix_str(f"loss {numbers['loss']:.4f}, {rate:.0f} tokens/s", refresh=False)
        self.bar.update()

    def score(self, perplexity: float) -> None:
        at = f"{self.stage}, step {self.done + self.steps}"
        tqdm.write(f"  {at}: held-out perplexity {perplexity:.4g}")

    def end(self) -> None:
        if self.bar is not None:
            self.bar.close()


class Curves:
    """Curves for TensorBoard, over all stages' steps.

    Parameters
    ----------
    before : by stage, the steps of all stages before it
    """

    def __init__(self, folder: Path, before: dict[str, int], tokens_per_step: int) -> None:
        self.folder, self.before, self.tokens_per_step = folder, before, tokens_per_step
        self.writer: Any = None
        self.stage, self.now, self.last = "", 0, 0.0

    def begin(self, stage: str, steps: int, done: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.stage, self.now, self.last = stage, self.before[stage] + done, time.perf_counter()
        # Later steps of a run that was cut off are not shown.
        self.writer = SummaryWriter(self.folder, purge_step=self.now + 1)

    def step(self, numbers: dict[str, float]) -> None:
        self.now += 1
        then, self.last = self.last, time.perf_counter()
        rate = {"tokens_per_s": self.tokens_per_step / (self.last - then)}
        for name, value in (numbers | rate).items():
            self.writer.add_scalar(f"{self.stage}/{name}", value, self.now)

    def score(self, perplexity: float) -> None:
        self.writer.add_scalar("held_out/perplexity", perplexity, self.now)

    def end(self) -> None:
        if self.writer is not None:
            self.writer.close()
