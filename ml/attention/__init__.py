"""Attention on the arrays in torch, bit for bit, for training and for decoding."""

from gaincell.ml.attention.op import KINDS, attend_codes, attention

__all__ = ["KINDS", "attend_codes", "attention"]
