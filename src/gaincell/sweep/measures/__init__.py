"""What workers compute of a point, one file each: tables of inputs, and a function of them."""
