"""Answers in: one request to one model, once, with exact usage, errors and time."""
