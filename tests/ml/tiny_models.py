"""Small language models with random weights, and a head that fits them."""

from pathlib import Path

import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from gaincell.config import HeadConfig
from gaincell.ml.models.families import blocks_of, family_of
from gaincell.ml.start.by_layer.fit_layer import pass_layer
from gaincell.ml.start.by_layer.layer_start import LayerStart

HEAD = HeadConfig(
    head_dim=16, window=16, columns=4, sink=2, score_saturation=5.0, output_saturation=2.0
)
"""A window shorter than the texts of the tests, and enough gain for random weights."""

FULL = HeadConfig(head_dim=16, window=64, columns=4)
"""A window that holds every token of the tests."""

VOCABULARY = 50


def gpt2() -> GPT2LMHeadModel:
    torch.manual_seed(1)
    config = GPT2Config(
        n_layer=3,
        n_head=2,
        n_embd=32,
        vocab_size=VOCABULARY,
        n_positions=128,
        bos_token_id=None,
        eos_token_id=None,
    )
    return GPT2LMHeadModel(config).double().eval()


def llama() -> LlamaForCausalLM:
    torch.manual_seed(2)
    config = LlamaConfig(
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        hidden_size=64,
        intermediate_size=96,
        vocab_size=VOCABULARY,
        max_position_embeddings=128,
        bos_token_id=None,
        eos_token_id=None,
    )
    return LlamaForCausalLM(config).double().eval()


MODELS = {"gpt2": gpt2, "llama": llama}


def tokens(batch: int, length: int, seed: int = 3) -> torch.Tensor:
    """Token ids (batch, length)."""
    print(f"seed {seed}")
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(VOCABULARY, (batch, length), generator=generator)


@torch.no_grad()
def logits_by_layer(stock, head: HeadConfig, folder: Path, ids: torch.Tensor) -> torch.Tensor:
    """Logits of a stock model whose layers in ``folder`` are replaced by the starts kept there."""
    family = family_of(stock)
    stream = family.first_stream(stock, ids)
    for layer, block in enumerate(blocks_of(stock)):
        path = folder / f"layer-{layer:03}.safetensors"
        start = LayerStart.load(path) if path.is_file() else None
        stream = pass_layer(block, head, start, stream)
    return stock.lm_head(family.last_norm(stock)(stream))
