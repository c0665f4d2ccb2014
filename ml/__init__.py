"""Hardware-aware attention for torch models; not part of this release."""
