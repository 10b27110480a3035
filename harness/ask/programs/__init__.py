"""Trials that a team's own program answers: its processes, and the gateway that it calls."""
