"""A prompt for one model, found on the tune cases alone."""
