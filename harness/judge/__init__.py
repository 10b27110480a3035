"""Answers to a verdict: scored, compared in pairs, decided. Pure."""
