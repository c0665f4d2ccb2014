"""Modules of ``gaincell.ml`` under the paths they had until release 0.6."""
