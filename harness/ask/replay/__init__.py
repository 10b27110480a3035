"""Trials to outcomes: never paying twice, never above the cap, never in production's way."""
