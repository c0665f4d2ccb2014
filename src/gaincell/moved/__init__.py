"""Old import paths, each a re-export of the new place; they go in release 0.8."""
