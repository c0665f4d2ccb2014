"""Pictures of a head, its figures and its language models, as PNG or SVG files."""
