"""Torch: attention of the arrays inside Hugging Face language models (extra "ml")."""
