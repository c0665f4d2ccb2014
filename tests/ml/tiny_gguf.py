"""A GGUF file so small that tests write one each."""

import gguf
import numpy as np

WORDS = [chr(97 + letter) for letter in range(26)] + ["ab", "abc", "<end>"]


def write_model(path, seed):
    """A Llama of two layers in 4-bit blocks, and a tokenizer of letters."""
    drawn, width, inner = np.random.default_rng(seed), 64, 96
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(2)
    writer.add_context_length(128)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(WORDS))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(WORDS)
    writer.add_token_types([1] * (len(WORDS) - 1) + [3])
    writer.add_token_merges(["a b", "ab c"])
    writer.add_bos_token_id(len(WORDS) - 1)
    writer.add_eos_token_id(len(WORDS) - 1)
    writer.add_unk_token_id(len(WORDS) - 1)
    shapes = {"token_embd": (len(WORDS), width), "output": (len(WORDS), width)}
    shapes["output_norm"] = (width,)
    for layer in range(2):
        shapes |= {
            f"blk.{layer}.attn_q": (width, width),
            f"blk.{layer}.attn_k": (width // 2, width),
            f"blk.{layer}.attn_v": (width // 2, width),
            f"blk.{layer}.attn_output": (width, width),
            f"blk.{layer}.ffn_gate": (inner, width),
            f"blk.{layer}.ffn_up": (inner, width),
            f"blk.{layer}.ffn_down": (width, inner),
            f"blk.{layer}.attn_norm": (width,),
            f"blk.{layer}.ffn_norm": (width,),
        }
    kind = gguf.GGMLQuantizationType.Q4_1
    for name, shape in shapes.items():
        tensor = drawn.normal(size=shape).astype(np.float32)
        if len(shape) > 1:
            writer.add_tensor(f"{name}.weight", gguf.quantize(tensor, kind), raw_dtype=kind)
        else:
            writer.add_tensor(f"{name}.weight", tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
