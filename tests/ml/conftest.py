"""One thread: these tensors are small, and threads that wait for each other only cost time."""

import gc
import shutil

import numpy as np
import pytest
import torch
from tiny_models import HEAD, MODELS, VOCABULARY
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import PreTrainedTokenizerFast

from gaincell.config_file import config_to_toml


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True, scope="session")
def _frozen_heap():
    """Leave the libraries' objects out of collections: Trainer forces several in each run."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def quiet_transformers():
    """Without its progress bars and load reports."""
    from transformers.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    yield
    logging.set_verbosity(before)
    logging.enable_progress_bar()


@pytest.fixture(scope="session")
def stock_folder(tmp_path_factory):
    """A stock model in stock/, a text of 200 tokens and its heads' config; not to be changed."""
    folder = tmp_path_factory.mktemp("stock")
    model = MODELS["llama"]().float()
    model.save_pretrained(folder / "stock")
    words = {f"w{number}": number for number in range(VOCABULARY)}
    plain = Tokenizer(WordLevel(words, unk_token="w0"))
    plain.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=plain).save_pretrained(folder / "stock")
    drawn = np.random.default_rng(1).integers(VOCABULARY, size=200)
    (folder / "text.txt").write_text(" ".join(f"w{number}" for number in drawn))
    (folder / "head.toml").write_text(config_to_toml(HEAD))
    return folder


@pytest.fixture
def folder(stock_folder, tmp_path):
    """A copy of ``stock_folder``."""
    return shutil.copytree(stock_folder, tmp_path, dirs_exist_ok=True)
