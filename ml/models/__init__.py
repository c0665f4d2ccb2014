"""Hugging Face language models whose attention runs on the arrays.

The import of this package registers them: ``AutoModelForCausalLM`` then loads a converted model.
"""

import gaincell.ml.models.hardware_model  # noqa: F401 - registers the models
