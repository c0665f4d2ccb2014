"""Wires of a placed head: tracks, pins within reach, negotiated routes, and the drawn metal."""
