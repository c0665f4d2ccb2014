"""Settings of the process that torch runs in: allocator, and other libraries' output."""
