"""Measurements of a design: each builds decks, simulates them, and returns arrays."""
