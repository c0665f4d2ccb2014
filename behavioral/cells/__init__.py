"""Arrays of gain cells: what they hold, what leaks, and what pulses read."""
