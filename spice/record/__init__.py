"""Parts of a record: each measures a design and returns plain JSON, units in the names."""
