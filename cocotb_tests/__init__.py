"""Co-simulation: the generated Verilog, in a simulator, against the arrays of ``behavioral``."""
