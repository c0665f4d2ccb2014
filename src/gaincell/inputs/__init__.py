"""Files that a user names: where they are, and whether they are what they should be."""
