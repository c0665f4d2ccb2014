"""Attention on the arrays in torch, bit for bit, for training and for decoding.

Codes in, codes out, equal to numpy's description of the same head:

>>> import torch
>>> from gaincell.behavioral.attention import attend
>>> from gaincell.config import HeadConfig
>>> from gaincell.ml.attention import attend_codes, attention
>>> config = HeadConfig(head_dim=4, window=6, columns=3, score_saturation=9, output_saturation=7)
>>> generator = torch.Generator().manual_seed(1)
>>> largest = (config.query_max, config.key_max, config.value_max)
>>> q_code, k_code, v_code = (
...     torch.randint(most + 1, (1, 1, 20, 4), generator=generator) for most in largest
... )  # batch 1, one head, 20 tokens, 4 dimensions
>>> y_code = attend_codes(q_code, k_code, v_code, config)
>>> y_code[0, 0, -1]
tensor([ -5,  18,  12, -23])
>>> expected = attend(q_code[0, 0].numpy(), k_code[0, 0].numpy(), v_code[0, 0].numpy(), config)
>>> bool((y_code[0, 0].numpy() == expected).all())
True

For training, ``attention`` takes codes over the largest code, 0..1, and has a gradient:

>>> q, k, v = (
...     (code / most).requires_grad_()
...     for code, most in zip((q_code, k_code, v_code), largest, strict=True)
... )
>>> y = attention(q, k, v, config)
>>> bool((y == y_code).all())
True
>>> y.sum().backward()
>>> v.grad.shape
torch.Size([1, 1, 20, 4])
"""

from gaincell.ml.attention.op import KINDS, attend_codes, attention

__all__ = ["KINDS", "attend_codes", "attention"]
