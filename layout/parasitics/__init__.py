"""Capacitance and resistance of drawn wires, net by net, and designs that have them."""
