"""What commands print, and the JSON they write."""
