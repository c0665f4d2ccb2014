"""Options that several commands share: what they add to a parser, and how they read it."""
