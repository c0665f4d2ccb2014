"""A core: heads in lock step under one control."""
