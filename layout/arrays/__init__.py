"""The analog half drawn: the gain cell, and sub-tiles of it."""
