"""A head for other tools: the estimate's figures, and files that those tools read."""
