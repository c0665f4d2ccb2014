"""The closed-form start, layer by layer: maps, then projections, on what converted layers give."""
