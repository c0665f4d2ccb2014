"""A port for processors: AXI4-Stream around a core, and registers on AXI4-Lite."""
