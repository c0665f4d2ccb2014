"""A small language model brought onto the arrays in every way there is: ``gaincell demo-ml``."""
