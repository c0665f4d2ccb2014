"""One HTML page about a head and the language models on it, with everything in it."""
