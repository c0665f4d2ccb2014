"""Hugging Face language models whose attention runs on the arrays.

The import of this package registers them: ``AutoModelForCausalLM`` then loads a converted model.
"""

from gaincell.system.imports import large_imports

with large_imports():
    from gaincell.ml.models.families import GainCellGPT2LMHeadModel, GainCellLlamaForCausalLM
    from gaincell.ml.models.hardware_model import HardwareModel

__all__ = ["GainCellGPT2LMHeadModel", "GainCellLlamaForCausalLM", "HardwareModel"]
