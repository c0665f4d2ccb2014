"""Tokens for a training: from texts, token files or a hub, in windows."""
