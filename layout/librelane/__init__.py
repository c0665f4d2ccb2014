"""A LibreLane project: the control as Verilog to be placed and routed, the arrays as a macro."""
