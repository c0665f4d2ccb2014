"""The steps from Verilog to power, each with its inputs, its tool and its results."""
