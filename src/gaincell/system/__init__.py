"""What gaincell asks of the operating system: other programs, signals and standard streams."""
