"""Data files shipped with the package, described in README.md beside them."""
