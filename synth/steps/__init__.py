"""The steps from Verilog to power; each declares its inputs and outputs, and runs its tool."""
