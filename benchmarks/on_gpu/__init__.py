"""What benchmarks on a GPU share, and the kernels one at a time."""
