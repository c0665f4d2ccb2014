"""The demo's model, head and steps."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from gaincell.cell import Coefficients
from gaincell.config import HeadConfig


@dataclass(frozen=True, kw_only=True)
class DemoSettings:
    """All runs share these settings; those chosen by a loss were chosen by the softmax model's."""

    seed: int = 0
    """Seed of the weights and of the data's order."""
    layers: int = 3
    heads: int = 4
    initializer_range: float = 0.05
    """Standard deviation of random weights: GPT-2's 0.02 at a width of 768, scaled to 128."""
    vocabulary: int = 512
    """Tokens of the byte-pair encoding."""
    window: int = 128
    """Tokens read at once, and those the arrays hold."""
    columns: int = 16
    """Columns of one sub-tile."""
    head_dim: int = 32
    cell: str | Coefficients = "cubic"
    """Cell of the head; linear models have the linear cell."""
    batch: int = 4
    """Windows of one step."""
    stock_steps: int = 1200
    """Steps of the model with softmax attention, with which the others begin."""
    linear_steps: int = 200
    """Steps of the model with the linear cell."""
    nonlinear_steps: int = 200
    """Steps of the model with the head's cell, after the linear ones."""
    learning_rate: float = 3e-3
    """Rate for random weights, after the warm-up; it then falls to a tenth, as a cosine."""
    fine_tuning_rate: float = 1e-3
    """Rate for models that were trained before; it falls in the same way."""
    warmup: int = 20
    """Steps of growing rate."""
    calibration: int = 96
    """Windows of the training text that scalers are set on."""
    held_out: int = 32
    """Windows of other text that are scored."""
    evaluate_every: int = 40
    """Steps between scores."""

    @property
    def steps(self) -> int:
        """Steps of every model at its end, earlier training of its weights included."""
        return self.stock_steps + self.linear_steps + self.nonlinear_steps

    @property
    def head(self) -> HeadConfig:
        """Saturations by their default rule; all else is the paper's."""
        return HeadConfig(
            head_dim=self.head_dim, window=self.window, columns=self.columns, cell=self.cell
        )

    def as_table(self) -> dict[str, Any]:
        return asdict(self)


QUICK = DemoSettings(
    layers=2,
    heads=2,
    initializer_range=0.1,
    vocabulary=300,
    window=32,
    columns=8,
    head_dim=16,
    batch=4,
    stock_steps=60,
    linear_steps=12,
    nonlinear_steps=6,
    learning_rate=1e-2,
    warmup=2,
    calibration=8,
    held_out=8,
    evaluate_every=6,
)
"""Seconds instead of minutes: that everything works, no result worth reading."""
