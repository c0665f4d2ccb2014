"""Text from a converted model, token by token, in torch or with chosen heads in Verilog."""
