"""Small language models with random weights, and a head that fits them."""

from functools import partial
from pathlib import Path

import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXForCausalLM,
    GraniteForCausalLM,
    LlamaForCausalLM,
    MistralForCausalLM,
    OlmoForCausalLM,
    Phi3ForCausalLM,
    Qwen2ForCausalLM,
    Qwen3ForCausalLM,
)

from gaincell.config import HeadConfig
from gaincell.ml.models.families import family_of
from gaincell.ml.start.by_layer.blocks import taken_apart
from gaincell.ml.start.by_layer.fit_layer import pass_layer
from gaincell.ml.start.by_layer.layer_start import LayerStart

HEAD = HeadConfig(
    head_dim=16, window=16, columns=4, sink=2, score_saturation=5.0, output_saturation=2.0
)
"""A window shorter than the texts of the tests, and enough gain for random weights."""

FULL = HeadConfig(head_dim=16, window=64, columns=4)
"""A window that holds every token of the tests."""

VOCABULARY = 50


def gpt2(**options) -> GPT2LMHeadModel:
    torch.manual_seed(1)
    config = GPT2Config(
        n_layer=3,
        n_head=2,
        n_embd=32,
        vocab_size=VOCABULARY,
        n_positions=128,
        bos_token_id=None,
        eos_token_id=None,
        **options,
    )
    return GPT2LMHeadModel(config).double().eval()


def small(stock, **options):
    """A model of a stock class with four query heads, in pairs with common keys and values."""
    torch.manual_seed(2)
    sizes = {
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "hidden_size": 64,
        "intermediate_size": 96,
        "vocab_size": VOCABULARY,
        "max_position_embeddings": 128,
        "bos_token_id": None,
        "eos_token_id": None,
        "pad_token_id": None,
    }
    return stock(stock.config_class(**sizes | options)).double().eval()


def llama(**options) -> LlamaForCausalLM:
    return small(LlamaForCausalLM, **options)


MODELS = {"gpt2": gpt2, "llama": llama}
"""The two ways of a closed-form start: maps folded into the weights, and maps of their own."""

FAMILIES = MODELS | {
    "qwen2": partial(small, Qwen2ForCausalLM),
    "qwen3": partial(small, Qwen3ForCausalLM, head_dim=16, hidden_size=48),
    "mistral": partial(small, MistralForCausalLM, sliding_window=16),
    "phi3": partial(
        small,
        Phi3ForCausalLM,
        rope_parameters={"rope_type": "default", "rope_theta": 1e4, "partial_rotary_factor": 0.5},
    ),
    "gpt_neox": partial(small, GPTNeoXForCausalLM),
    "olmo": partial(small, OlmoForCausalLM),
    "granite": partial(
        small,
        GraniteForCausalLM,
        attention_multiplier=0.6,
        residual_multiplier=0.3,
        embedding_multiplier=2.0,
        logits_scaling=3.0,
    ),
}
"""One model of each family."""

LONG_ROPE = {
    "rope_type": "longrope",
    "rope_theta": 1e4,
    "short_factor": [1.0] * 8,
    "long_factor": [1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5],
    "original_max_position_embeddings": 32,
}

VARIANTS = FAMILIES | {
    "gpt2 without scale": partial(gpt2, scale_attn_weights=False),
    "gpt2 scaled by layer": partial(
        gpt2, scale_attn_by_inverse_layer_idx=True, reorder_and_upcast_attn=True
    ),
    "llama with biases": partial(llama, attention_bias=True, mlp_bias=True),
    "llama of wide heads": partial(llama, head_dim=32),
    "qwen2 of two kinds": partial(
        small, Qwen2ForCausalLM, use_sliding_window=True, sliding_window=16, max_window_layers=1
    ),
    "mistral of all tokens": partial(small, MistralForCausalLM, sliding_window=None),
    "phi3 of long texts": partial(
        small, Phi3ForCausalLM, rope_parameters=LONG_ROPE, sliding_window=20
    ),
    "gpt_neox in series": partial(
        small,
        GPTNeoXForCausalLM,
        use_parallel_residual=False,
        attention_bias=False,
    ),
    "olmo with clips": partial(small, OlmoForCausalLM, clip_qkv=0.1),
}
"""Models of the families with options that change what attention is given, or makes of it."""


def tokens(batch: int, length: int, seed: int = 3) -> torch.Tensor:
    """Token ids (batch, length)."""
    print(f"seed {seed}")
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(VOCABULARY, (batch, length), generator=generator)


@torch.no_grad()
def logits_by_layer(
    stock, head: HeadConfig, folder: Path, ids: torch.Tensor, recent: int = 0
) -> torch.Tensor:
    """Logits of a stock model whose layers in ``folder`` are replaced by the starts kept there."""
    with taken_apart(stock, ids) as (stream, blocks):
        for layer, block in enumerate(blocks):
            path = folder / f"layer-{layer:03}.safetensors"
            start = LayerStart.load(path, recent) if path.is_file() else None
            stream = pass_layer(block, head, start, stream)
    logits = stock.lm_head(family_of(stock).last_norm_of(stock)(stream))
    return logits / getattr(stock.config, "logits_scaling", 1.0)
