"""Metrics and charges of endpoints and GPUs to the hours that were paid for."""
