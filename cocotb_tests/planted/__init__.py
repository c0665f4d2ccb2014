"""Wrong heads that the co-simulation and the plain testbench must name."""
