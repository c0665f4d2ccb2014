"""Sphinx: ``make docs``."""

import gaincell

project = "gaincell"
author = "the gaincell authors"
copyright = author  # noqa: A001 - the name that Sphinx asks for
version = release = gaincell.__version__
extensions = ["myst_parser"]
myst_enable_extensions = ["amsmath", "deflist", "dollarmath"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "gaincell"
# Other pages include the tables.
exclude_patterns = ["pictures", "evidence/tables"]
