"""Where cells and ports lie."""
