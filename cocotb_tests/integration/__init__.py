"""Options of ``gaincell verilog`` for those who build the head into a chip."""
