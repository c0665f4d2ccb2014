"""What the parts do; each runs in a process of its own and imports torch."""
