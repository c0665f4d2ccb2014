"""Floorplan of a whole head: arrays as drawn, control as placed, the rest as labelled blocks."""
