"""Hugging Face language models whose attention runs on the arrays."""
