"""Entry points: options, one call, what is printed, the exit code. Loaded one command at a time."""
