"""Libraries of cells: Liberty files, PDKs, and a built-in one for estimates."""
