"""The attention op as kernels for GPUs, in Triton: exact where the torch path is, without T x T."""
