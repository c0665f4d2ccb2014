"""All that only a GPU makes possible, in one prepared run: ``benchmarks/gpu_run.sh``."""
