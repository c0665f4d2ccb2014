"""Pictures of a head: its architecture, its timing as simulated, and what it computes."""
