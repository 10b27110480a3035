"""Trials to outcomes: models are started, asked and measured."""
