"""Label only the disagreements, blind."""
