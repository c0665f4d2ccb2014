"""What a run keeps on disk: checkpoints, random generators, and its record."""
