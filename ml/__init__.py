"""Torch: attention of the arrays inside Hugging Face language models (extra "ml")."""

import gaincell.moved.ml

# Until release 0.8 the old paths, such as gaincell.ml.convert, lead to the new places.
__path__.extend(gaincell.moved.ml.__path__)
