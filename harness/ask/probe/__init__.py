"""How many requests a second one replica of a model serves within its SLOs, measured."""
