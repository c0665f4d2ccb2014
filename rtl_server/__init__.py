"""The Verilog of a head as a service: many heads in one process that can die and be replaced."""
