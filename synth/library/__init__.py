"""Libraries of cells: Liberty files, PDKs, and a generic one for estimates."""
