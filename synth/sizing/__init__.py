"""Gate sizes and buffers of a mapped netlist, from the delay tables of its library."""
