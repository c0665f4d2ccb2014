"""The digital control of one attention head, in Amaranth; ``head.Head`` is its top."""
