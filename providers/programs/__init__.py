"""Programs of the team that answer in the place of a model."""
