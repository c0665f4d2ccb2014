"""A mutation campaign: one small bug in the Verilog at a time, and which checks notice it."""
