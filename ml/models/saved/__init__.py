"""The files of a saved model: written whole, marked as no stock model's, and read in full."""
