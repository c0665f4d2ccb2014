"""Random heads and cores against the contract."""
