"""The host port of a core against bus models of others: cocotbext-axi."""
