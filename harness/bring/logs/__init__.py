"""Logs of calls that a team has: formats as tables, one engine that reads them."""
