"""Hugging Face language models whose attention runs on the arrays.

The import of this package registers them: ``AutoModelForCausalLM`` then loads a converted model.
"""

from gaincell.ml.models.hardware_model import (
    HARDWARE,
    GainCellGPT2LMHeadModel,
    GainCellLlamaForCausalLM,
    HardwareModel,
)

__all__ = ["HARDWARE", "GainCellGPT2LMHeadModel", "GainCellLlamaForCausalLM", "HardwareModel"]
