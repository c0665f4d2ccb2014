"""Measurements of devices in place of simulations: tables in, the record of a design out."""
