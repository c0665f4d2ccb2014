"""Attention with recent tokens beside the arrays: their softmax, the buffer, and the two together.

It is ``recent`` that computes softmax over them and the rest, ``ring_layer`` that keeps them in a
cache beside the codes of the arrays, and ``on_arrays`` that joins both in a model's layer.
"""
